import { explain } from './checker.js'
import type { History } from './fleet.js'
import { minimise, toText } from './minimise.js'
import { SESSION_MODEL } from './model.js'

/** A history that nothing explains. */
export class InexplicableError extends Error {}

/**
 * Looks for an order that explains what happened to each key.
 * @throws {InexplicableError} with the few operations that show why there is none
 */
export function judge(history: History): { readonly operations: number; readonly states: number } {
  const sum = { operations: 0, states: 0 }
  for (const [key, operations] of history) {
    const verdict = explain(SESSION_MODEL, operations)
    if (!verdict.explained) {
      throw new InexplicableError(
        `no order explains what happened to ${key}:\n${toText(minimise(operations))}`,
      )
    }
    sum.operations += operations.length
    sum.states += verdict.states
  }
  return sum
}
