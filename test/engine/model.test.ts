import { join } from 'node:path'
import { type FilesOptions, files, type SealOptions, SessionEngine } from 'coatcheck'
import fc from 'fast-check'
import { suite } from 'uvu'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { checkSteps, randomSteps } from './model-runs.js'

const test = suite('engine: random concurrent operations against a sequential model')

const parents = { disk: temporaryDirectory(), memory: temporaryDirectory('memory') }
let runs = 0

const SEAL: SealOptions = { keys: ['a key that is as long as it has to be'] }

const VARIANTS: readonly {
  readonly options: Partial<FilesOptions>
  readonly seal?: SealOptions
  readonly threads: number
  readonly runs: number
}[] = [
  { options: { layout: 'sharded' }, threads: 2, runs: 250 },
  { options: { layout: 'flat' }, threads: 2, runs: 250 },
  { options: { layout: 'sharded', fsync: true, hashNames: true }, seal: SEAL, threads: 1, runs: 60 },
  { options: { durability: 'journal' }, threads: 2, runs: 150 },
  { options: { durability: 'journal', checkpointInterval: 0.01 }, threads: 2, runs: 250 },
  { options: { durability: 'journal', checkpointInterval: 0.01, fsync: true }, threads: 1, runs: 40 },
]

for (const { options, seal, threads, runs: most } of VARIANTS) {
  const numRuns = Math.ceil(most / budget({ usual: 4, full: 1 }))
  test(`files ${JSON.stringify(options)}, ${threads} threads${seal === undefined ? '' : ', sealed'}`, async () => {
    const parent = parents[options.fsync === true ? 'disk' : 'memory']
    const storage = files({ ...options, directory: join(parent, String(runs++)) })
    const engine = new SessionEngine({
      storage,
      threads,
      sweepInterval: false,
      ...(seal === undefined ? {} : { seal }),
    })
    const property = fc.asyncProperty(randomSteps(3, true), async (run) => {
      // Each run starts from nothing, whatever became of the one before.
      await engine.flush()
      await engine.clear()
      await checkSteps(engine, run)
    })
    // A failure is shrunk, and its message tells the seed and the path to see it again.
    await fc.assert(property, { numRuns, verbose: false, interruptAfterTimeLimit: 120_000 })
    await engine.close()
  })
}

test('many fresh engines, whose first operations wait for the opening', async () => {
  const property = fc.asyncProperty(randomSteps(2, true), async (run) => {
    const storage = files({ directory: join(parents.memory, String(runs++)) })
    const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
    try {
      await checkSteps(engine, run)
    } finally {
      await engine.close()
    }
  })
  await fc.assert(property, { numRuns: budget({ usual: 8, full: 25 }) })
})

test.run()
