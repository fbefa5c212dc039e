import type { RoundResult } from '../harness/contestant.js'
import { rates } from '../harness/rates.js'
import { UsageMeter } from '../harness/usage.js'

/** A round that lasts as long as one piece of work; it tells how many operations that was. */
export async function wholeRound(work: () => Promise<number>): Promise<RoundResult> {
  const meter = new UsageMeter()
  const operations = await work()
  const usage = meter.read()
  const milliseconds = usage.seconds * 1000
  return {
    ...rates({ operations, usage, server: [undefined, undefined] }),
    loopDelayMilliseconds: undefined,
    coalescedShare: undefined,
    p50Milliseconds: milliseconds,
    p99Milliseconds: milliseconds,
    p999Milliseconds: milliseconds,
    maxMilliseconds: milliseconds,
  }
}
