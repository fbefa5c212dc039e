import { isDeepStrictEqual } from 'node:util'
import { stateIn } from './cart.js'
import type { Expectation } from './visitor.js'

/** Why a visitor's session counts as lost, given what is stored; `undefined` when all is as it was acknowledged. */
export function lossOf({ key, state, outOfStep }: Expectation, session: unknown): string | undefined {
  if (key === undefined) return 'never got a session'
  if (outOfStep > 0) return `got ${outOfStep} answers that did not continue the one before`
  if (session === undefined) return 'has no session in the store'
  const stored = stateIn(session)
  if (isDeepStrictEqual(stored, state)) return undefined
  return `was last told ${JSON.stringify(state)}, and in the store is ${JSON.stringify(stored)}`
}
