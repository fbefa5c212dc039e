import Benchmark from 'benchmark'
import type { Case } from './case.js'

/** What Benchmark.js found out about a case. */
export interface CaseResult {
  readonly name: string
  readonly perSecond: number
  /** Relative margin of error, in per cent. */
  readonly margin: number
}

/** Kept where nobody can prove that it is not read. */
export let sink: unknown

/** Measures one case for about so many seconds. */
export function runCase({ name, step, asyncStep }: Case, seconds: number): Promise<CaseResult> {
  return new Promise((resolve, reject) => {
    const benchmark = new Benchmark({
      name,
      maxTime: seconds,
      async: true,
      defer: asyncStep !== undefined,
      fn: (deferred: { resolve(): void }) => {
        if (step !== undefined) sink = step()
        else asyncStep?.().then(() => deferred.resolve(), reject)
      },
      onComplete: () => resolve({ name, perSecond: benchmark.hz, margin: benchmark.stats.rme }),
      onError: () => reject(benchmark.error),
    })
    benchmark.run({ async: true })
  })
}
