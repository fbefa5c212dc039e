import { rmSync } from 'node:fs'
import { files, SessionEngine } from 'coatcheck'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { filesBelow } from '../workers/files/storage-driver.js'
import type { Settled } from './engine-messages.js'
import { EngineProcess } from './engine-process.js'
import { increment } from './increment.js'

const test = suite('concurrent increments by loadVersion and replace')

const KEYS = ['one', 'two']

/** Some who count, at the same time: each one counter, so many times. */
const counters = fc.array(
  fc.record({ key: fc.constantFrom(...KEYS), times: fc.integer({ min: 1, max: 25 }) }),
  { minLength: 1, maxLength: 5 },
)
type Counters = readonly { readonly key: string; readonly times: number }[]

async function begin(engine: SessionEngine): Promise<void> {
  await Promise.all(KEYS.map((key) => engine.save(key, { count: 0 })))
}

async function assertCounted(engine: SessionEngine, all: Counters): Promise<void> {
  for (const key of KEYS) {
    const count = all.reduce((sum, one) => sum + (one.key === key ? one.times : 0), 0)
    assert.equal(await engine.load(key), { count })
  }
}

for (const options of [{}, { durability: 'journal', checkpointInterval: 0.01 }] as const) {
  test(`one engine loses none: ${JSON.stringify(options)}`, async () => {
    const directory = temporaryDirectory('memory')
    const storage = files({ directory, ...options })
    const engine = new SessionEngine({ storage, threads: 2, sweepInterval: false })
    const property = fc.asyncProperty(counters, async (all) => {
      await begin(engine)
      const conflicts = await Promise.all(all.map(({ key, times }) => increment(engine, key, times)))
      // Who begins together has loaded the same version.
      const met = new Set(all.map(({ key }) => key)).size < all.length
      assert.is(
        conflicts.some((some) => some > 0),
        met,
      )
      await assertCounted(engine, all)
    })
    await fc.assert(property, { numRuns: 6 })
    await engine.close()
    rmSync(directory, { recursive: true })
  })
}

test('two processes on one directory lose none', async () => {
  const directory = temporaryDirectory('memory')
  const processes = await EngineProcess.openAll(2, { directory, layout: 'flat' })
  const engine = new SessionEngine({ storage: files({ directory, layout: 'flat' }), threads: 1 })
  try {
    const busy = fc.array(
      fc.record({ key: fc.constantFrom(...KEYS), times: fc.integer({ min: 50, max: 300 }) }),
      { minLength: 1, maxLength: 2 },
    )
    const property = fc.asyncProperty(busy, busy, async (...all) => {
      await begin(engine)
      const settled = await Promise.all(
        processes.map((remote, index) =>
          remote.run((all[index] ?? []).map(({ key, times }) => ({ method: 'increment', key, times }))),
        ),
      )
      assert.equal(settled.flat().flatMap(errorOf), [])
      await assertCounted(engine, all.flat())
    })
    await fc.assert(property, { numRuns: 5, endOnFailure: true })
    await engine.close()
    await Promise.all(processes.map((remote) => remote.close()))
    assert.equal(filesBelow(directory), KEYS)
  } finally {
    await Promise.all(processes.map((remote) => remote.kill()))
  }
})

function errorOf(settled: Settled): readonly string[] {
  return 'error' in settled ? [settled.error] : []
}

test.run()
