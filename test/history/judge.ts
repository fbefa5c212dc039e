import { explain } from './checker.js'
import type { History } from './fleet.js'
import { minimise, toText } from './minimise.js'
import { SESSION_MODEL } from './model.js'

/** With what workers have done again when they died, histories of several processes leave much open. */
const MOST_STATES = 3_000_000

/** A history that nothing explains. */
export class InexplicableError extends Error {}

/** What was looked at. */
export interface Judged {
  readonly operations: number
  /** Those whose callers were told what came of them. */
  readonly certain: number
  readonly states: number
}

/**
 * Looks for an order that explains what happened to each key.
 * @throws {InexplicableError} with the few operations that show why there is none
 */
export function judge(history: History): Judged {
  const sum = { operations: 0, certain: 0, states: 0 }
  for (const [key, operations] of history) {
    const verdict = explain(SESSION_MODEL, operations, MOST_STATES)
    if (!verdict.explained) {
      throw new InexplicableError(
        `no order explains what happened to ${key}:\n${toText(minimise(operations))}`,
      )
    }
    sum.operations += operations.length
    sum.certain += operations.filter(({ optional }) => !optional).length
    sum.states += verdict.states
  }
  return sum
}
