import type { EntryResults } from '../harness/interleave.js'
import { type Reading, ratio } from '../harness/ratio.js'
import type { Target } from '../results/target.js'

/** A figure of contestants, in words and in rounds. */
export interface Measured {
  readonly what: string
  /** Behind it, where it is compared with nobody's. */
  readonly unit?: string
  readonly reading: Reading
}

/** Makes goals for one figure of one contestant, or for what it is of another one's. */
export function targetsOf(
  results: readonly EntryResults[],
  { what, unit, reading }: Measured,
): (goal: Target['goal'], id: string, toId?: string) => Target {
  return (goal, id, toId) => ({
    name: `${id}: ${what}${toId === undefined ? (unit ?? '') : `, ÷ ${toId}`}`,
    goal,
    measured: ratio(results, reading, id, toId),
  })
}
