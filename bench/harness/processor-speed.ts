import { figure } from './figures.js'

/** So much work takes some ten milliseconds. */
const STEPS = 10_000_000
/** Below this, a difference says nothing. */
const NOTABLE = 1.2

/** Milliseconds that a piece of work takes which never changes and needs nothing but a processor. */
export function timeFixedWork(): number {
  const from = performance.now()
  let state = 1
  for (let step = 0; step < STEPS; step++) state = Math.imul(state ^ step, 0x9e37_79b1)
  const taken = performance.now() - from
  // So that no compiler finds the work superfluous.
  return state === 0 ? Number.NaN : taken
}

/**
 * How much the processors' own speed varied; `undefined` when it did not. Virtual machines share theirs with others,
 * which no figure of their own tells.
 */
export function describeSpeeds(milliseconds: readonly number[]): string | undefined {
  const least = Math.min(...milliseconds)
  const most = Math.max(...milliseconds)
  if (!(most > least * NOTABLE)) return undefined
  return (
    `The processors' speed varied: one piece of work took ${figure(least)} to ${figure(most)} ms between rounds. ` +
    'Ratios within a round tell more than absolute figures then.'
  )
}
