import { ConflictError, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyHash, sliceOf } from '#dist/workers/protocol/index.js'
import { FULL } from '../budget.js'
import { outcome, rejection } from '../conformance/rejections.js'
import { faultyFiles } from '../fixtures/faulty-files.js'
import type { Fault } from '../fixtures/faulty-worker.js'

const test = suite('engine: a worker dies')

/** One operation of each kind, successful and not, in one batch; what each has to give, whoever dies. */
async function mixedBatch(engine: SessionEngine): Promise<void> {
  const version = (await engine.loadVersion('replaced'))?.version ?? ''
  const results = await Promise.all(
    [
      engine.create('created', { version: 1 }),
      engine.create('taken', { version: 1 }),
      engine.update('updated', { version: 1 }),
      engine.update('missing', { version: 1 }),
      engine.save('trigger', { version: 1 }),
      engine.touch('touched'),
      engine.touch('absent'),
      engine.delete('deleted'),
      engine.load('loaded'),
      engine.exists('seen'),
      engine.create('late', { version: 1 }),
      engine.replace('replaced', { version: 1 }, version).then(() => undefined),
      engine.replace('missing', { version: 1 }, version),
    ].map(outcome),
  )
  assert.equal(results, [
    undefined,
    'CreateError',
    undefined,
    'UpdateError',
    undefined,
    true,
    false,
    undefined,
    { version: 0 },
    true,
    undefined,
    undefined,
    'UpdateError',
  ])
}

async function checkStored(engine: SessionEngine): Promise<void> {
  for (const key of ['created', 'updated', 'trigger', 'late', 'replaced'])
    assert.equal(await engine.load(key), { version: 1 }, key)
  for (const key of ['taken', 'touched', 'loaded', 'seen'])
    assert.equal(await engine.load(key), { version: 0 }, key)
  for (const key of ['missing', 'absent', 'deleted']) assert.is(await engine.load(key), undefined, key)
  assert.is(await engine.count(), 9)
}

const VARIANTS = [
  {},
  { fsync: true },
  { durability: 'journal' },
  { durability: 'journal', fsync: true },
] as const

/** The usual run tries half of them with the one death, half with the other. */
function variantsOf(how: 'exit' | 'throw', when: Fault['when']): readonly (typeof VARIANTS)[number][] {
  const tried = when === 'after' ? VARIANTS : ([VARIANTS[0], VARIANTS[2]] as const)
  return FULL ? tried : tried.filter((_, index) => index % 2 === (how === 'exit' ? 0 : 1))
}

for (const how of ['exit', 'throw'] as const) {
  for (const when of ['before', 'midway', 'after'] as const) {
    for (const options of variantsOf(how, when)) {
      test(`${how} ${when} a batch, ${JSON.stringify(options)}: every operation gets its own outcome`, async () => {
        const fault: Fault = { key: 'trigger', when, how, times: 1 }
        const { storage, count } = faultyFiles(fault, options)
        const engine = new SessionEngine({ storage, threads: 1 })
        const there = ['taken', 'updated', 'touched', 'deleted', 'loaded', 'seen', 'replaced']
        await Promise.all(there.map((key) => engine.save(key, { version: 0 })))
        await mixedBatch(engine)
        await checkStored(engine)
        assert.is(count('fault'), 1)
        assert.is(engine.stats().workers.restarts, 1)
        assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
        await engine.close()
      })
    }
  }
}

test('a create that the dead worker had stored is no CreateError, a second create is', async () => {
  for (const options of [{ layout: 'flat' }, { layout: 'sharded' }, { durability: 'journal' }] as const) {
    for (const hashNames of [false, true]) {
      const fault: Fault = { key: 'a', when: 'after', how: 'exit', times: 1 }
      const { storage } = faultyFiles(fault, { ...options, hashNames })
      const engine = new SessionEngine({ storage, threads: 2 })
      const results = await Promise.all([
        engine.create('a', { first: true }),
        outcome(engine.create('a', {})),
      ])
      assert.equal(results, [undefined, 'CreateError'])
      assert.equal(await engine.load('a'), { first: true })
      await engine.close()
    }
  }
})

test('readers whose files cost workers their lives read their own sessions, whatever is saved meanwhile', async () => {
  const fault: Fault = { key: 'trigger', when: 'before', how: 'exit', times: 2 }
  const { storage, count } = faultyFiles(fault, { durability: 'journal', dies: 'files' })
  const engine = new SessionEngine<{ of: string }>({ storage, threads: 1 })
  const readers = ['trigger', 'a', 'b', 'c']
  await Promise.all(readers.filter((key) => key !== 'trigger').map((key) => engine.save(key, { of: key })))
  await engine.flush({ files: true })
  let reading = true
  const loads = Promise.all(readers.map((key) => outcome(engine.load(key)))).finally(() => {
    reading = false
  })
  const writers = readers.map((_, index) => `writer ${index}`)
  // Their slots lie where those of the readers have been, once the journal has answered.
  while (reading) await Promise.all(writers.map((key) => engine.save(key, { of: key })))
  assert.equal(await loads, [undefined, { of: 'a' }, { of: 'b' }, { of: 'c' }])
  assert.is(count('fault'), 2)
  await engine.close()
})

/** A key whose operations go into one batch with those of `a`. */
const MATE =
  Array.from({ length: 5_000 }, (_, index) => `mate-${index}`).find(
    (key) => sliceOf(keyHash(key)) === sliceOf(keyHash('a')),
  ) ?? ''

test('a replace that the dead worker had stored is done, a second one is a conflict', async () => {
  for (const options of [{ hashNames: true }, { fsync: true }, { durability: 'journal' }] as const) {
    const { storage, count } = faultyFiles({ key: MATE, when: 'after', how: 'exit', times: 1 }, options)
    const engine = new SessionEngine({ storage, threads: 1 })
    await engine.save('a', { first: false })
    const version = (await engine.loadVersion('a'))?.version ?? ''
    const [replaced, , second] = await Promise.all([
      engine.replace('a', { first: true }, version),
      engine.save(MATE, {}),
      outcome(engine.replace('a', {}, version)),
    ])
    assert.is(count('fault'), 1)
    assert.is(second, 'ConflictError')
    assert.equal(await engine.loadVersion('a'), { session: { first: true }, version: replaced })
    await engine.close()
  }
})

test('a replace whose worker died is no conflict where it may have taken effect before', async () => {
  for (const durability of ['direct', 'journal'] as const) {
    const fault: Fault = { key: MATE, when: 'before', how: 'exit', times: 1 }
    const { storage } = faultyFiles(fault, { durability })
    const engine = new SessionEngine({ storage, threads: 1 })
    await engine.save('a', { version: 0 })
    const version = (await engine.loadVersion('a'))?.version ?? ''
    await engine.save('a', { version: 1 })
    const replacing = engine.replace('a', { version: 2 }, version)
    const failure = rejection(replacing, Error)
    await engine.save(MATE, {})
    // With a journal nobody else can have stored anything in between.
    if (durability === 'journal') assert.instance(await failure, ConflictError)
    else assert.is((await rejection(replacing, StorageError)).errno, 'WORKER_LOST')
    assert.equal(await engine.load('a'), { version: 1 })
    await engine.close()
  }
})

test('an operation that kills every worker fails alone', async () => {
  for (const [threads, durability] of [
    [1, 'direct'],
    [2, 'direct'],
    [1, 'journal'],
  ] as const) {
    const fault: Fault = { key: 'poison', when: 'before', how: 'exit', times: 1_000 }
    const { storage, count } = faultyFiles(fault, { durability })
    const engine = new SessionEngine({ storage, threads })
    await engine.save('poison but harmless', {})
    const mates = Array.from({ length: 20 }, (_, index) => engine.create(`mate-${index}`, { index }))
    const poisoned = engine.save('poison', { version: 1 })
    const riding = engine.load('poison')
    const later = Array.from({ length: 20 }, (_, index) => engine.create(`later-${index}`, { index }))
    const error = await rejection(poisoned, StorageError)
    assert.is(error.errno, 'WORKER_LOST')
    assert.is(error.code, 'COATCHECK_STORAGE')
    assert.match(error.message, /may or may not be stored/)
    assert.ok(error.cause instanceof Error)
    assert.is((await rejection(riding, StorageError)).errno, 'WORKER_LOST')
    await Promise.all([...mates, ...later])
    assert.equal(await engine.load('mate-19'), { index: 19 })
    assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
    // Twice with its batch, once alone; the load, which rode on it, twice and once again.
    assert.ok(count('fault') <= 6, `${count('fault')} workers died`)
    await engine.close()
  }
})

test('a worker that throws after it has answered takes nobody with it', async () => {
  const { storage } = faultyFiles({ key: 'a', when: 'before', how: 'throw later', times: 3 })
  const engine = new SessionEngine({ storage, threads: 2 })
  for (let version = 0; version < 30; version++) {
    await Promise.all([engine.save('a', { version }), engine.save(`key-${version}`, { version })])
    assert.equal(await engine.load('a'), { version })
  }
  assert.is(await engine.count(), 31)
  await engine.close()
})

for (const durability of ['direct', 'journal'] as const) {
  test(`workers that die again and again lose nothing and mix up no order: ${durability}`, () =>
    survive(durability))
}

async function survive(durability: 'direct' | 'journal'): Promise<void> {
  const fault: Fault = { key: '*', when: 'after', how: 'exit', times: 12 }
  const { storage } = faultyFiles(fault, { layout: 'sharded', durability })
  const engine = new SessionEngine({ storage, threads: 2 })
  const keys = Array.from({ length: 12 }, (_, index) => `session-${index}`)
  const lost = new Set<string>()
  for (let version = 0; version < 10; version++) {
    const saves = keys.map(async (key) => {
      const result = await outcome(engine.save(key, { version }))
      if (result === 'StorageError') lost.add(key)
      else lost.delete(key)
    })
    if (version % 3 === 0) await Promise.all(saves)
  }
  await engine.flush()
  for (const key of keys) {
    if (!lost.has(key)) assert.equal(await engine.load(key), { version: 9 }, key)
  }
  await engine.close()
}

test('a walk whose worker dies rejects, the next one goes through', async () => {
  const { storage } = faultyFiles(undefined, { exitsAtWalk: 2 })
  const engine = new SessionEngine({ storage, threads: 1 })
  await engine.save('a', {})
  for (const walk of [engine.count(), engine.clearExpired()]) {
    const error = await rejection(walk, StorageError)
    assert.is(error.errno, 'WORKER_LOST')
  }
  assert.is(await engine.count(), 1)
  assert.ok(engine.stats().workers.restarts >= 1)
  await engine.close()
})

test('an endless loop is ended by the timeout of close', async () => {
  const { storage } = faultyFiles({ key: 'loop', when: 'before', how: 'loop', times: 1_000 })
  const engine = new SessionEngine({ storage, threads: 1 })
  await engine.save('a', {})
  const looping = engine.save('loop', {})
  const mate = engine.save('mate', {})
  const behind = engine.load('loop')
  const clearing = engine.clear()
  const after = engine.save('after', {})
  const failures = [looping, mate, behind, clearing, after].map((promise) => rejection(promise, Error))
  const error = await rejection(engine.close({ timeout: 300 }), StorageError)
  assert.is(error.errno, 'CLOSE_TIMEOUT')
  for (const failure of await Promise.all(failures)) {
    assert.match((failure as { errno?: string }).errno ?? failure.name, /^(CLOSE_TIMEOUT|EngineClosedError)$/)
  }
  assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
})

test.run()
