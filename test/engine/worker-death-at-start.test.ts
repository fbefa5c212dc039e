import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WorkerLostError } from '#dist/src/engine/batch-carrier.js'
import { WorkerPool } from '#dist/src/engine/worker-pool.js'
import type { JournalDescription } from '#dist/workers/protocol/index.js'
import { rejection } from '../conformance/rejections.js'
import { faultyFiles } from '../fixtures/faulty-files.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: a worker dies while it starts')

function storageOf(
  module: string,
  options: object = {},
): { storage: ReturnType<typeof describe>; starts(): number } {
  const log = join(temporaryDirectory(), 'log')
  writeFileSync(log, '')
  return {
    storage: describe(module, { log, ...options }),
    starts: () => readFileSync(log, 'utf8').split('\n').length - 1,
  }
}

function describe(module: string, options: object) {
  return {
    kind: 'fixture',
    module: new URL(`../fixtures/${module}`, import.meta.url).href,
    options,
    maxRecordBytes: 1_000,
    listsKeys: true,
    lanes: () => 1,
  }
}

test('a module that cannot be imported rejects ready and every operation, and starts no worker twice', async () => {
  const { storage, starts } = storageOf('broken-module.js')
  const engine = new SessionEngine({ storage, threads: 2 })
  const operations = [
    engine.save('a', {}),
    engine.load('a'),
    engine.delete('b'),
    engine.ready(),
    engine.clear(),
  ]
  for (const failure of await Promise.all(operations.map((promise) => rejection(promise, StorageError)))) {
    assert.match(failure.message, /could not be opened/)
  }
  for (let attempt = 0; attempt < 5; attempt++) await rejection(engine.ready(), StorageError)
  await rejection(engine.count(), StorageError)
  assert.ok(starts() <= 3, `${starts()} imports`)
  assert.is(engine.stats().workers.restarts, 0)
  await engine.close()
})

test('a module that is not there rejects ready and every operation', async () => {
  const engine = new SessionEngine({ storage: describe('not-there.js', {}), threads: 1 })
  const [saving, opening] = [engine.save('a', {}), engine.ready()]
  for (const promise of [saving, opening]) {
    assert.match((await rejection(promise, StorageError)).errno, /ERR_MODULE_NOT_FOUND/)
  }
  await engine.close()
})

test('a storage whose opening ends its worker rejects; the next operation tries again', async () => {
  const { storage, count } = faultyFiles(undefined, { exitsAtOpening: 2 })
  const engine = new SessionEngine({ storage, threads: 1 })
  for (let attempt = 1; attempt <= 2; attempt++) {
    const [saving, opening] = [engine.save('a', { attempt }), engine.ready()]
    for (const promise of [saving, opening]) {
      assert.is((await rejection(promise, StorageError)).errno, 'WORKER_LOST')
    }
    assert.is(count('open'), attempt)
  }
  await engine.save('a', { attempt: 3 })
  assert.equal(await engine.load('a'), { attempt: 3 })
  assert.is(count('open'), 3)
  await engine.close()
})

for (const how of ['exit', 'throw'] as const) {
  test(`workers that ${how} while they start reject every task and are not started in a loop`, async () => {
    const { storage, starts } = storageOf('broken-module.js', { how })
    const worker = new URL('../fixtures/broken-bootstrap.js', import.meta.url).href
    const pool = new WorkerPool({ storage, threads: 2, depth: 2, worker })
    await rejection(pool.open(), WorkerLostError)
    const tasks = Array.from({ length: 8 }, () => pool.apply(new ArrayBuffer(16)))
    await Promise.all(tasks.map((task) => rejection(task, WorkerLostError)))
    const [before, rounds] = [starts(), 3]
    for (let round = 0; round < rounds; round++)
      await rejection(pool.apply(new ArrayBuffer(16)), WorkerLostError)
    // A pool of two starts two, and one more for each before it sees that there is no point.
    assert.ok(starts() - before <= rounds * 4, `${starts() - before} starts for ${rounds} tasks`)
    await pool.close()
    const atEnd = starts()
    await rejection(pool.apply(new ArrayBuffer(16)), WorkerLostError)
    assert.is(starts(), atEnd, 'a closed pool starts nothing')
  })
}

/** A storage's worker module; `options` are what it is opened with. */
function moduleOf(openStorage: string): string {
  return `data:text/javascript,${encodeURIComponent(`export const openStorage = ${openStorage}`)}`
}

/** A journal that cannot be read back at first, takes its worker along then, and is damaged at last. */
const UNREADABLE = moduleOf(`({ tries }) => {
  const gauge = { memory: 0, disk: 0, append: 0 }
  const replay = () => {
    const number = Atomics.add(tries, 0, 1)
    if (number === 0) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
    if (number === 1) process.exit(6)
    return { done: true, bytes: 0, totalBytes: 0, records: 0, corrupt: [{ reason: 'of no use' }], gauge }
  }
  return { gauge, replay, checkpoint: () => ({ gauge, entries: 0 }), close() {} }
}`)

test('a journal that cannot be read back rejects ready; the next try has it anew, and so has the next engine', async () => {
  const storage = files({ directory: temporaryDirectory(), durability: 'journal' })
  const options = { tries: new Int32Array(new SharedArrayBuffer(4)) }
  const journal = { ...(storage.journal as JournalDescription), module: UNREADABLE, options }
  const engine = new SessionEngine({ storage: { ...storage, journal }, threads: 1 })
  const damaged = once(engine, 'corrupt')
  assert.is((await rejection(engine.ready(), StorageError)).errno, 'EIO')
  assert.is((await rejection(engine.ready(), StorageError)).errno, 'WORKER_LOST')
  const next = new SessionEngine({ storage, threads: 1 })
  await next.ready()
  await next.close()
  await engine.ready()
  assert.is((await damaged)[0].reason, 'of no use')
  await engine.close()
})

test('close ends walks, one that never comes to an end and those that go on after it, and says why', async () => {
  const module = moduleOf(`({ begun }) => {
    const never = () => new Promise(() => Atomics.store(begun, 0, 1))
    const slice = { done: false, keys: ['a'] }
    return { walk: (kind) => ({ next: kind === 'keys' ? () => slice : never }), close() {} }
  }`)
  const begun = new Int32Array(new SharedArrayBuffer(4))
  const engine = new SessionEngine({ storage: { ...describe('', { begun }), module }, threads: 1 })
  const keys = engine.keys()
  assert.is((await keys.next()).value, 'a')
  const counting = [engine.count(), engine.count()].map((walk) => rejection(walk, StorageError))
  while (Atomics.load(begun, 0) === 0) await new Promise(setImmediate)
  assert.is((await rejection(engine.close({ timeout: 0 }), StorageError)).errno, 'CLOSE_TIMEOUT')
  for (const { errno } of await Promise.all(counting)) assert.is(errno, 'CLOSE_TIMEOUT')
  assert.is((await rejection(keys.next(), StorageError)).errno, 'CLOSE_TIMEOUT')
})

test('close ends an opening that never comes to an end', async () => {
  const module = moduleOf('() => new Promise(() => {})')
  const engine = new SessionEngine({ storage: { ...describe('', {}), module }, threads: 1 })
  const [saving, opening] = [engine.save('a', {}), engine.ready()]
  const failures = [saving, opening].map((promise) => rejection(promise, StorageError))
  const error = await rejection(engine.close({ timeout: 200 }), StorageError)
  assert.is(error.errno, 'CLOSE_TIMEOUT')
  for (const { errno } of await Promise.all(failures)) assert.is(errno, 'CLOSE_TIMEOUT')
})

test.run()
