import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, json, SessionEngine } from 'coatcheck'
import { Session } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { outcome } from '../conformance/rejections.js'
import { Fault, type FaultPlan, faultsMissing } from '../faults/fault.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'
import type { SessionAnswer, SessionCall } from './session-messages.js'
import { SessionProcess } from './session-process.js'

/*
 * What is wrong with Django's file backend, each named by what Django does, and what Coatcheck does in its place.
 */

const test = suite('weaknesses of Django’s file backend')
const failing = suite('weaknesses of Django’s file backend: failing disks')

const directory = temporaryDirectory('memory')
const open = (orphanGrace = 3600): SessionEngine<object> =>
  new SessionEngine<object>({
    storage: files({ directory, layout: 'flat', prefix: 'sessionid', orphanGrace }),
    threads: 1,
    sweepInterval: false,
  })
/** The second one is to the first as another process is. */
const [engine, other] = [open(), open()] as const

const make = (key?: string, of = engine): Session => new Session({ engine: of, key })
const fileOf = (key = ''): string => join(directory, `sessionid${key}`)

async function stored(values: Record<string, unknown>): Promise<Session> {
  const session = make()
  session.update(values)
  await session.save()
  return session
}

test.after(async () => {
  await Promise.all([engine.close(), other.close()])
})

/* Failing disks: a session in another process, in whose place the system's calls are made to fail. */

const LARGE = 'x'.repeat(50_000)
const place = temporaryDirectory('memory')
const reader = new SessionEngine<object>({
  storage: files({ directory: place, layout: 'flat' }),
  threads: 1,
  sweepInterval: false,
})
let remote: { readonly fault: Fault; readonly session: SessionProcess } | undefined

failing.after(async () => {
  await remote?.session.kill()
  remote?.fault.close()
  await reader.close()
})

function opened(): { readonly fault: Fault; readonly session: SessionProcess } {
  if (remote === undefined) {
    const fault = new Fault(place)
    remote = { fault, session: new SessionProcess(place, fault.environment) }
  }
  return remote
}

/** What becomes of a call while the system's fail. */
async function whileFailing(plan: FaultPlan, call: SessionCall): Promise<SessionAnswer> {
  const { fault, session } = opened()
  fault.set(plan)
  try {
    const answer = await session.call(call)
    assert.ok(fault.fired > 0, 'nothing has failed')
    return answer
  } finally {
    fault.lift()
  }
}

/** A session that is stored in its place, by the other process, which has it in hand. */
async function begun(values: Record<string, unknown>): Promise<string> {
  const { session } = opened()
  await session.call({ method: 'begin' })
  const { key, failure } = await session.call({ method: 'save', values })
  assert.is(failure, undefined)
  return key ?? ''
}

async function readBack(key: string): Promise<Record<string, unknown>> {
  return Object.fromEntries(await make(key, reader).load())
}

const withFaults = skipWhere(faultsMissing())

withFaults(
  failing,
  '1: a full disk is not told of, and the old values stay as if they were the new ones',
  async () => {
    const key = await begun({ version: 1 })
    for (const action of ['ENOSPC', 'break'] as const) {
      const answer = await whileFailing(
        { calls: ['write'], action },
        { method: 'save', values: { version: 2 } },
      )
      assert.equal(answer.failure, { name: 'StorageError', errno: 'ENOSPC' })
      assert.equal(await readBack(key), { version: 1 })
    }
    await opened().session.call({ method: 'save' })
    assert.equal(await readBack(key), { version: 2 }, 'what could not be saved is still in hand')
  },
)

withFaults(failing, '2: a write that wrote only a part is taken for a whole one', async () => {
  const key = await begun({ version: 1 })
  const answer = await whileFailing(
    { calls: ['write'], action: 'shorten', count: 3 },
    { method: 'save', values: { version: 2, text: LARGE } },
  )
  assert.is(answer.failure, undefined)
  assert.equal(await readBack(key), { version: 2, text: LARGE })
})

withFaults(failing, '4: a create that fails leaves a placeholder, for ever', async () => {
  const before = readdirSync(place).sort()
  for (const calls of [['write'], ['link'], ['fsync', 'fdatasync']] as const) {
    await opened().session.call({ method: 'begin' })
    const answer = await whileFailing(
      { calls, action: 'ENOSPC' },
      { method: 'save', values: { text: LARGE } },
    )
    assert.is(answer.failure?.errno, 'ENOSPC')
    assert.is(answer.key, undefined)
    const left = readdirSync(place).filter((name) => !before.includes(name))
    assert.equal(left, [], `after ${calls.join()}`)
  }
})

withFaults(failing, '6: an error before the temporary file is told of, one behind it is not', async () => {
  const key = await begun({ version: 1 })
  for (const calls of [['create'], ['write'], ['times'], ['rename']] as const) {
    const answer = await whileFailing({ calls, action: 'EIO' }, { method: 'save', values: { version: 2 } })
    assert.equal(answer.failure, { name: 'StorageError', errno: 'EIO' }, calls[0])
    assert.equal(await readBack(key), { version: 1 })
  }
})

withFaults(failing, '7: nothing is synced, so that a power cut takes what was saved', async () => {
  const key = await begun({ version: 1 })
  const answer = await whileFailing(
    { calls: ['fsync', 'fdatasync'], action: 'EIO' },
    { method: 'save', values: { version: 2 } },
  )
  assert.equal(
    answer.failure,
    { name: 'StorageError', errno: 'EIO' },
    'with fsync, no save is whole without a sync',
  )
  assert.equal(await readBack(key), { version: 1 })
})

test('3: what is just being created can be loaded already, as a valid, empty session', async () => {
  const ROUNDS = 150
  const halves: unknown[] = []
  let complete = 0
  for (let round = 0; round < ROUNDS; round++) {
    const key = `placeholder${String(round).padStart(8, '0')}`
    const creating = engine.create(key, { whole: true })
    let session = await make(key, other).load()
    while (session.key === undefined) {
      assert.is(session.size, 0)
      session = await make(key, other).load()
    }
    if (session.get('whole') === true) complete++
    else halves.push([...session])
    await creating
  }
  assert.equal([complete, halves], [ROUNDS, []])
})

test('5: a delete between the look and the rename is undone: the session is back', async () => {
  for (let round = 0; round < 100; round++) {
    const { key } = await stored({ version: 1 })
    const [saving, leaving] = [await make(key).load(), await make(key, other).load()]
    const save = outcome(saving.set('version', 2).save())
    const flush = leaving.flush()
    const word = await save
    await flush
    assert.ok(word === undefined || word === 'UpdateError', String(word))
    assert.is((await make(key).load()).key, undefined, 'logged out, and in again')
    assert.is(await outcome(saving.save()), 'UpdateError')
  }
})

test('8: of two requests that overlap, the later one undoes what the first has done', async () => {
  const { key } = await stored({ a: 1 })
  const merging = (of: SessionEngine<object>): Session => new Session({ engine: of, key, conflict: 'merge' })
  const [first, second] = [await merging(engine).load(), await merging(other).load()]
  await Promise.all([first.set('b', 1).save(), second.set('c', 1).save()])
  assert.equal(Object.fromEntries(await make(key).load()), { a: 1, b: 1, c: 1 })
})

test('9: an empty file is a session that never expires, and one that is not ASCII throws', async () => {
  for (const [key, bytes] of [
    ['emptyfile0', Buffer.alloc(0)],
    ['notascii00', Buffer.from('späte Sitzung \u{1f9e5}')],
    ['zeroes0000', Buffer.alloc(200)],
  ] as const) {
    writeFileSync(fileOf(key), bytes)
    const session = await make(key).load()
    assert.equal([session.key, session.size], [undefined, 0])
    assert.is(await session.exists(key), false)
  }
})

test('10: whoever removes an expired session may remove what another one has just saved', async () => {
  for (let round = 0; round < 60; round++) {
    const key = `expired${String(round).padStart(8, '0')}`
    await engine.save(key, { version: 1 }, { maxAge: -1 })
    const removing = round % 2 === 0 ? make(key).load() : engine.clearExpired()
    await Promise.all([removing, other.save(key, { version: 2 })])
    assert.is((await make(key).load()).get('version'), 2)
  }
})

test('11: a damaged session keeps its key, so that the next save writes over the evidence', async () => {
  const { key } = await stored({ a: 1 })
  const evidence = 'what a failing disk has made of it'
  writeFileSync(fileOf(key), evidence)
  const session = await make(key).load()
  assert.equal([session.key, session.size], [undefined, 0])
  await session.set('b', 2).save()
  assert.is.not(session.key, key)
  const aside = readdirSync(directory).filter((name) => name.includes(`${key}.corrupt-`))
  assert.is(aside.length, 1)
  assert.is(readFileSync(join(directory, aside[0] ?? ''), 'utf8'), evidence)
})

test('12: clearing leaves orphans, stops at one bad file, and takes the sessions of others', async () => {
  await engine.clear()
  const alive = await stored({ a: 1 })
  const expired = make()
  expired.setExpiry(-1)
  await expired.save()
  const past = Date.now() / 1000 - 1000
  const write = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    utimesSync(path, past, past)
    return path
  }
  const orphan = write(`.${'a'.repeat(24)}-0.tmp`, 'half a session')
  const placeholder = write('sessionidplaceholder', '')
  const bad = write('sessionidbadbadbad', '\xff\xfe'.repeat(60))
  mkdirSync(join(directory, 'sessionid-directory'))
  const foreign = write('sessionid2.of-another-application', 'alive')
  const another = new SessionEngine<object>({
    storage: files({ directory, layout: 'flat', prefix: 'sessionid2' }),
    threads: 1,
    sweepInterval: false,
  })
  const theirs = new Session({ engine: another })
  await theirs.set('a', 1).save()
  // Nobody writes meanwhile: what lies about is litter at once.
  const sweeper = open(0)
  const swept = await sweeper.clearExpired()
  await sweeper.close()
  assert.equal([swept.expired, swept.corrupt >= 1], [1, true])
  assert.equal(
    [existsSync(orphan), existsSync(placeholder), existsSync(fileOf(expired.key))],
    [false, false, false],
  )
  assert.equal([existsSync(foreign), existsSync(bad)], [true, true])
  assert.is((await new Session({ engine: another, key: theirs.key }).load()).get('a'), 1)
  assert.is((await make(alive.key).load()).get('a'), 1)
  await another.close()
})

test('13: a duration set as the expiry cannot be saved as JSON', async () => {
  const text = new SessionEngine<object>({
    storage: files({ directory: temporaryDirectory('memory') }),
    codec: json(),
    threads: 1,
  })
  const session = new Session({ engine: text })
  session.setExpiry({ days: 3 })
  await session.save()
  const loaded = await new Session({ engine: text, key: session.key }).load()
  const days = loaded.getExpiryAge() / 86_400
  assert.ok(days > 2.99 && days <= 3)
  await text.close()
})

test.run()
failing.run()
