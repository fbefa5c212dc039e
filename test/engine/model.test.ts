import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type FilesOptions, files, type SealOptions, SessionEngine } from 'coatcheck'
import fc from 'fast-check'
import { suite } from 'uvu'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { type Issued, Model, type Step } from './model.js'

const test = suite('engine: random concurrent operations against a sequential model')

const parents = { disk: temporaryDirectory(), memory: temporaryDirectory('memory') }
let runs = 0

function steps(keys: number, clears: boolean): fc.Arbitrary<Step[]> {
  const key = fc.nat({ max: keys - 1 })
  const dead = fc.integer({ min: 0, max: 9 }).map((roll) => roll === 9)
  const size = fc.constantFrom(0, 1, 40, 300, 5_000)
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('save' as const), key, size, dead }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('update' as const), key, size, dead }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), key, size, dead }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('touch' as const), key, dead }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('replace' as const),
        key,
        size,
        dead,
        stale: fc.integer({ min: 0, max: 3 }).map((roll) => roll === 3),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('load' as const, 'loadVersion' as const, 'exists' as const),
        key,
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
    { weight: clears ? 1 : 0, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('await last' as const, 'turn' as const, 'microtask' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('await all' as const) }) },
  )
  return fc.array(operation, { minLength: 1, maxLength: 60, size: 'max' })
}

/** Runs the steps and compares every outcome, and what is stored in the end, with the model's. */
async function check(engine: SessionEngine, run: readonly Step[]): Promise<void> {
  const model = new Model()
  const issued: Issued[] = []
  for (const step of run) {
    switch (step.kind) {
      case 'await last':
        await issued.at(-1)?.actual
        break
      case 'await all':
        await Promise.all(issued.map(({ actual }) => actual))
        break
      case 'turn':
        await new Promise((resolve) => setImmediate(resolve))
        break
      case 'microtask':
        await undefined
        break
      default:
        issued.push(model.issue(engine, step))
    }
  }
  for (const [index, { step, expected, actual }] of issued.entries()) {
    same(await actual, expected, `operation ${index}, ${step.kind}`)
  }
  const live = model.liveSessions()
  for (const [key, session] of live) same(await engine.load(key), session, `${key} in the end`)
  same(await engine.count(), live.size, 'count in the end')
  same(engine.stats().pending, { operations: 0, bytes: 0 }, 'pending in the end')
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: gave ${show(actual)}, one at a time it gives ${show(expected)}`)
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60)
}

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
    const property = fc.asyncProperty(steps(3, true), async (run) => {
      // Each run starts from nothing, whatever became of the one before.
      await engine.flush()
      await engine.clear()
      await check(engine, run)
    })
    // A failure is shrunk, and its message tells the seed and the path to see it again.
    await fc.assert(property, { numRuns, verbose: false, interruptAfterTimeLimit: 120_000 })
    await engine.close()
  })
}

test('many fresh engines, whose first operations wait for the opening', async () => {
  const property = fc.asyncProperty(steps(2, true), async (run) => {
    const storage = files({ directory: join(parents.memory, String(runs++)) })
    const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
    try {
      await check(engine, run)
    } finally {
      await engine.close()
    }
  })
  await fc.assert(property, { numRuns: budget({ usual: 8, full: 25 }) })
})

test.run()
