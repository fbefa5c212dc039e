import { isDeepStrictEqual } from 'node:util'
import type { SessionEngine } from 'coatcheck'
import fc from 'fast-check'
import { type Issued, Model, type Step } from './model.js'

/** Operations on so many keys, and pauses that let the engine work. */
export function randomSteps(keys: number, clears: boolean): fc.Arbitrary<Step[]> {
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
export async function checkSteps(engine: SessionEngine, run: readonly Step[]): Promise<void> {
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
