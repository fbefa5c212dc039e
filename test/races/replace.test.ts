import { rmSync } from 'node:fs'
import { files, SessionEngine } from 'coatcheck'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { filesBelow } from '../workers/files/storage-driver.js'
import type { Call, Settled } from './engine-messages.js'
import { EngineProcess } from './engine-process.js'
import { increment } from './increment.js'

const test = suite('concurrent increments by loadVersion and replace')

/** How often each of a few counters is incremented. */
const counts = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 3 })

const keyOf = (index: number): string => `counter-${index}`

for (const options of [{}, { durability: 'journal', checkpointInterval: 0.01 }] as const) {
  test(`one engine loses none: ${JSON.stringify(options)}`, async () => {
    const directory = temporaryDirectory('memory')
    const storage = files({ directory, ...options })
    const engine = new SessionEngine({ storage, threads: 2, sweepInterval: false })
    const property = fc.asyncProperty(counts, async (all) => {
      await Promise.all(all.map((_, index) => engine.save(keyOf(index), { count: 0 })))
      const increments = all.flatMap((count, index) =>
        Array.from({ length: count }, () => increment(engine, keyOf(index))),
      )
      const conflicts = (await Promise.all(increments)).reduce((sum, some) => sum + some, 0)
      assert.ok(all.every((count) => count === 1) || conflicts > 0, 'they did not meet')
      for (const [index, count] of all.entries()) assert.equal(await engine.load(keyOf(index)), { count })
    })
    await fc.assert(property, { numRuns: 10 })
    await engine.close()
    rmSync(directory, { recursive: true })
  })
}

test('two processes on one directory lose none', async () => {
  const directory = temporaryDirectory('memory')
  const options = { directory, layout: 'flat', threads: 2 } as const
  const processes = await EngineProcess.openAll(2, options)
  const engine = new SessionEngine({ storage: files({ directory, layout: 'flat' }), threads: 1 })
  try {
    const property = fc.asyncProperty(counts, counts, async (...all) => {
      const length = Math.max(...all.map((some) => some.length))
      for (let index = 0; index < length; index++) await engine.save(keyOf(index), { count: 0 })
      const calls = all.map((some) =>
        some.flatMap((count, index) =>
          new Array<Call>(count).fill({ method: 'increment', key: keyOf(index) }),
        ),
      )
      const settled = await Promise.all(processes.map((remote, index) => remote.run(calls[index] ?? [])))
      assert.equal(settled.flat().flatMap(errorOf), [])
      for (let index = 0; index < length; index++) {
        const count = all.reduce((sum, some) => sum + (some[index] ?? 0), 0)
        assert.equal(await engine.load(keyOf(index)), { count })
      }
    })
    await fc.assert(property, { numRuns: 10 })
    await engine.close()
    await Promise.all(processes.map((remote) => remote.close()))
    assert.ok(filesBelow(directory).every((name) => name.startsWith('counter-')))
  } finally {
    await Promise.all(processes.map((remote) => remote.kill()))
  }
})

function errorOf(settled: Settled): readonly string[] {
  return 'error' in settled ? [settled.error] : []
}

test.run()
