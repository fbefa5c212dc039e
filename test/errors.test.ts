import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  CoatcheckError,
  ConflictError,
  CreateError,
  EncodeError,
  EngineClosedError,
  files,
  InvalidSessionKeyError,
  json,
  OverloadedError,
  SessionEngine,
  StorageError,
  UnsupportedError,
  UpdateError,
} from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from './conformance/rejections.js'
import { faultyFiles } from './fixtures/faulty-files.js'
import { temporaryDirectory } from './fixtures/temporary-directory.js'

const test = suite('engine: errors')

/** Nothing of these may ever be told. */
const KEY = 'sesamopen'
const PAYLOAD = 'hunter2'

/** Everything that a logger prints of an error: its own text, its causes', and what an inspector or JSON shows. */
function textOf(error: Error): string {
  const own = [
    error.message,
    error.stack?.split('\n')[0],
    JSON.stringify(error),
    inspect(error, { depth: 10 }),
  ].join('\n')
  return error.cause instanceof Error ? `${own}\n${textOf(error.cause)}` : own
}

function discreet(error: CoatcheckError, code: string): void {
  assert.is(error.code, code)
  assert.match(code, /^COATCHECK_[A-Z_]+$/)
  assert.instance(error, CoatcheckError)
  assert.instance(error, Error)
  assert.is(error.name, error.constructor.name)
  const text = textOf(error)
  assert.not.match(text, new RegExp(KEY, 'i'))
  assert.not.match(text, new RegExp(PAYLOAD))
}

const SESSION = { password: PAYLOAD }

test('the outcomes of operations', async () => {
  const engine = new SessionEngine({
    directory: temporaryDirectory(),
    threads: 1,
    maxPending: { operations: 3 },
  })
  await engine.save(KEY, SESSION)
  discreet(await rejection(engine.create(KEY, SESSION), CreateError), 'COATCHECK_EXISTS')
  discreet(await rejection(engine.update(`${KEY}2`, SESSION), UpdateError), 'COATCHECK_MISSING')
  const loaded = await engine.loadVersion(KEY)
  await engine.save(KEY, { ...SESSION, changed: true })
  const replacing = engine.replace(KEY, SESSION, loaded?.version ?? '')
  discreet(await rejection(replacing, ConflictError), 'COATCHECK_CONFLICT')
  const long = KEY.repeat(100)
  discreet(await rejection(engine.save(long, SESSION), InvalidSessionKeyError), 'COATCHECK_INVALID_KEY')
  const waiting = [engine.load(KEY), engine.load(`${KEY}3`), engine.load(`${KEY}4`)]
  discreet(await rejection(engine.save(KEY, SESSION), OverloadedError), 'COATCHECK_OVERLOADED')
  await Promise.all(waiting)
  await engine.close()
  discreet(await rejection(engine.save(KEY, SESSION), EngineClosedError), 'COATCHECK_CLOSED')
})

test('sessions that cannot be encoded', async () => {
  for (const codec of [undefined, json()]) {
    const storage = files({ directory: temporaryDirectory(), maxRecordBytes: 100 })
    const engine = new SessionEngine({ storage, threads: 1, ...(codec === undefined ? {} : { codec }) })
    const cyclic: Record<string, unknown> = { ...SESSION }
    cyclic.self = cyclic
    discreet(await rejection(engine.save(KEY, cyclic), EncodeError), 'COATCHECK_ENCODE')
    discreet(
      await rejection(engine.save(KEY, { text: PAYLOAD.repeat(100) }), EncodeError),
      'COATCHECK_ENCODE',
    )
    discreet(await rejection(engine.save(KEY, PAYLOAD as never), EncodeError), 'COATCHECK_ENCODE')
    await engine.close()
  }
})

test('keys that cannot be listed', async () => {
  const storage = files({ directory: temporaryDirectory(), hashNames: true })
  const engine = new SessionEngine({ storage, threads: 1 })
  discreet(await rejection(engine.keys().next(), UnsupportedError), 'COATCHECK_UNSUPPORTED')
  await engine.close()
})

test('a storage that fails names the system error, and no path', async () => {
  for (const layout of ['flat', 'sharded'] as const) {
    const directory = join(temporaryDirectory(), 'sessions')
    const engine = new SessionEngine({ storage: files({ directory, layout }), threads: 1 })
    await engine.ready()
    // Gone, and a file in its place: every call fails, for root, too.
    rmSync(directory, { recursive: true })
    writeFileSync(directory, '')
    const calls = [
      engine.save(KEY, SESSION),
      engine.create(`${KEY}2`, SESSION),
      engine.update(`${KEY}3`, SESSION),
      engine.load(`${KEY}4`),
      engine.touch(`${KEY}5`),
      engine.delete(`${KEY}6`),
      engine.exists(`${KEY}7`),
    ]
    for (const failure of await Promise.all(calls.map((call) => rejection(call, StorageError)))) {
      discreet(failure, 'COATCHECK_STORAGE')
      assert.is(failure.errno, 'ENOTDIR')
      const cause = failure.cause as NodeJS.ErrnoException
      assert.is(cause.code, 'ENOTDIR')
      assert.not.match(textOf(failure), directory)
    }
    assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
    assert.is(engine.stats().failed, calls.length)
    rmSync(directory)
    mkdirSync(directory)
    chmodSync(directory, 0o700)
    await engine.save(KEY, SESSION)
    assert.equal(await engine.load(KEY), SESSION)
    await engine.close()
  }
})

test('an operation that rides on a failed one reads for itself, and fails for itself', async () => {
  const parent = temporaryDirectory()
  const directory = join(parent, 'sessions')
  const engine = new SessionEngine({ storage: files({ directory, layout: 'flat' }), threads: 1 })
  await engine.ready()
  // The directory alone would be made anew.
  rmSync(parent, { recursive: true })
  const [saving, loading, looking] = [engine.save(KEY, SESSION), engine.load(KEY), engine.exists(KEY)]
  assert.is((await rejection(saving, StorageError)).errno, 'ENOENT')
  assert.equal(await Promise.all([loading, looking]), [undefined, false])
  await engine.close()
})

test('workers that die', async () => {
  const { storage } = faultyFiles({ key: KEY, when: 'before', how: 'throw', times: 100 })
  const engine = new SessionEngine({ storage, threads: 1 })
  discreet(await rejection(engine.save(KEY, SESSION), StorageError), 'COATCHECK_STORAGE')
  await engine.close()
})

test('events carry no key either', async () => {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ storage: files({ directory, layout: 'flat' }), threads: 1 })
  const told: unknown[] = []
  const tell = (value: unknown) => told.push(value)
  engine.on('corrupt', tell).on('error', tell).on('overloaded', tell).on('recovered', tell)
  writeFileSync(join(directory, KEY), `no record ${PAYLOAD}`)
  mkdirSync(join(directory, `${KEY}2`))
  // Long gone, by its time: nobody but the sweep looks at it.
  writeFileSync(join(directory, `${KEY}3`), `no record ${PAYLOAD}`)
  utimesSync(join(directory, `${KEY}3`), 1, 1)
  assert.is(await engine.load(KEY), undefined)
  await engine.save(`${KEY}2`, SESSION)
  assert.is((await engine.clearExpired()).corrupt, 1)
  await engine.close()
  assert.is(told.length, 3)
  assert.not.match(inspect(told, { depth: 10 }), new RegExp(KEY, 'i'))
  assert.not.match(inspect(told, { depth: 10 }), new RegExp(PAYLOAD))
})

test('a listener that throws breaks no promise', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'a'), 'no record')
  const engine = new SessionEngine({ storage: files({ directory, layout: 'flat' }), threads: 1 })
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  const reason = new Error('the listener fails')
  engine.on('corrupt', () => {
    throw reason
  })
  const [found] = await Promise.all([engine.load('a'), engine.save('b', {})])
  assert.is(found, undefined)
  assert.is(await thrown, reason)
  await engine.close()
})

test.run()
