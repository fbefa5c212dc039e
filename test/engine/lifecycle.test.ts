import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { EngineClosedError, msgpack, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { versionOf } from '#dist/src/engine/session-versions.js'
import { outcome, rejection } from '../conformance/rejections.js'
import { collect } from '../conformance/subject.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('engine: every operation in every state')

const VERSIONS = [1, 2].map((version) => versionOf(msgpack().encode({ version })))
const [FIRST = '', SECOND] = VERSIONS

type Call = (engine: SessionEngine) => Promise<unknown>

/** Each call and what it gives on a storage that holds `there` and nothing else. */
const CALLS: readonly (readonly [name: string, call: Call, result: unknown])[] = [
  ['ready', (engine) => engine.ready(), undefined],
  ['create', (engine) => engine.create('new', { version: 1 }), undefined],
  ['update', (engine) => engine.update('there', { version: 2 }), undefined],
  ['save', (engine) => engine.save('there', { version: 2 }), undefined],
  ['replace', (engine) => engine.replace('there', { version: 2 }, FIRST), SECOND],
  ['touch', (engine) => engine.touch('there'), true],
  ['load', (engine) => engine.load('there'), { version: 1 }],
  ['loadVersion', (engine) => engine.loadVersion('there'), { session: { version: 1 }, version: FIRST }],
  ['loadWithExpiry', async (engine) => (await engine.loadWithExpiry('there'))?.session, { version: 1 }],
  ['exists', (engine) => engine.exists('there'), true],
  ['delete', (engine) => engine.delete('there'), undefined],
  ['keys', (engine) => collect(engine.keys()), ['there']],
  ['count', (engine) => engine.count(), 1],
  ['clear', (engine) => engine.clear(), undefined],
  ['flush', (engine) => engine.flush(), undefined],
]

/** A directory that holds the session `there`. */
async function prepared(): Promise<string> {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ directory, threads: 1 })
  await engine.save('there', { version: 1 })
  await engine.close()
  return directory
}

for (const [name, call, result] of CALLS) {
  test(`${name}: new, opening, open, closing, closed`, async () => {
    const directory = await prepared()
    const options = { directory, threads: 1 } as const
    try {
      const fresh = new SessionEngine(options)
      assert.equal(await call(fresh), result, 'new')
      await fresh.save('there', { version: 1 })
      await fresh.delete('new')

      const opening = new SessionEngine(options)
      void opening.ready()
      assert.equal(await call(opening), result, 'opening')
      await opening.save('there', { version: 1 })
      await opening.delete('new')

      await fresh.ready()
      assert.equal(await call(fresh), result, 'open')

      const closing = opening.close()
      await rejection(call(opening), EngineClosedError)
      await closing
      const error = await rejection(call(opening), EngineClosedError)
      assert.is(error.code, 'COATCHECK_CLOSED')
      await fresh.close()
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

test('clearExpired: new, opening, open, closing, closed', async () => {
  const engine = new SessionEngine({ directory: await prepared(), threads: 1 })
  const [first, second] = await Promise.all([engine.clearExpired(), engine.clearExpired()])
  assert.is(first.scanned > 0 && second.scanned > 0, true)
  const closing = engine.close()
  await rejection(engine.clearExpired(), EngineClosedError)
  await closing
  await rejection(engine.clearExpired(), EngineClosedError)
  assert.is(engine.stats().pending.operations, 0)
})

test('an engine that was never used closes at once, and opens nothing', async () => {
  const directory = join(temporaryDirectory(), 'never')
  const engine = new SessionEngine({ directory })
  await engine.close()
  await rejection(engine.ready(), EngineClosedError)
  const other = new SessionEngine({ directory })
  await other.flush()
  assert.is(other.stats().accepted, 0)
  await other.close()
})

test('close while opening stores what was accepted', async () => {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ directory, threads: 2 })
  const saves = Array.from({ length: 100 }, (_, index) => engine.save(`session-${index}`, { index }))
  const clearing = engine.clear()
  const after = engine.save('after', {})
  await engine.close()
  await Promise.all([...saves, clearing, after])
  const next = new SessionEngine({ directory })
  assert.equal(await collect(next.keys()), ['after'])
  await next.close()
})

test('closing again gives the same promise', async () => {
  const engine = new SessionEngine({ directory: temporaryDirectory(), threads: 1 })
  void engine.save('a', {})
  const closing = engine.close()
  assert.is(engine.close(), closing)
  assert.is(engine.close({ timeout: 1 }), closing)
  await closing
  assert.is(engine.close(), closing)
  await engine[Symbol.asyncDispose]()
})

test('await using closes the engine', async () => {
  const directory = temporaryDirectory()
  let used: SessionEngine | undefined
  {
    await using engine = new SessionEngine({ directory, threads: 1 })
    void engine.save('a', { version: 1 })
    used = engine
  }
  await rejection(used.load('a'), EngineClosedError)
  const next = new SessionEngine({ directory, threads: 1 })
  assert.equal(await next.load('a'), { version: 1 })
  await next.close()
})

test('close with time enough resolves', async () => {
  const engine = new SessionEngine({ directory: temporaryDirectory(), threads: 1 })
  const saving = engine.save('a', {})
  await engine.close({ timeout: 60_000 })
  await saving
})

test('a wrong timeout is refused, and the engine stays open', async () => {
  const engine = new SessionEngine({ directory: temporaryDirectory(), threads: 1 })
  for (const timeout of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5', null]) {
    const error = await rejection(engine.close({ timeout: timeout as number }), TypeError)
    assert.match(error.message, /"timeout"/)
  }
  assert.is(await outcome(engine.save('a', {})), undefined)
  await engine.close()
})

test('flush waits for a clear, too', async () => {
  const engine = new SessionEngine({ directory: await prepared(), threads: 1 })
  let cleared = false
  const clearing = engine.clear().then(() => {
    cleared = true
  })
  await engine.flush()
  await Promise.resolve()
  assert.is(cleared, true)
  await clearing
  await engine.close()
})

test('a walk under way ends with the engine', async () => {
  const engine = new SessionEngine({ directory: await prepared(), threads: 1 })
  await Promise.all(Array.from({ length: 1_500 }, (_, index) => engine.save(`session-${index}`, {})))
  const keys = engine.keys()
  await keys.next()
  await engine.close()
  const error = await rejection(collect(keys), EngineClosedError)
  assert.is(error.code, 'COATCHECK_CLOSED')
})

test.run()
