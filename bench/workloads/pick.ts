import { keySequence } from './sequence.js'
import { SEED, type WorkloadDescription } from './workload.js'

/** Tells which session is next. */
export type Pick = () => number

/** So many random choices are made in advance: none of them costs anything while it is measured. */
const CHOICES = 2 ** 17

/**
 * For each caller, which session is next.
 * @param count how many sessions there are, at least as many as callers
 */
export function picksFor(description: WorkloadDescription, callers: number, count: number): Pick[] {
  const { active = count } = description
  const picks = picksOfAll(description, callers, Math.min(active, count))
  const apart = Math.floor(count / active)
  return apart <= 1 ? picks : picks.map((pick) => () => pick() * apart)
}

function picksOfAll(description: WorkloadDescription, callers: number, count: number): Pick[] {
  const { order = 'turn', together = 1, seed = SEED } = description
  if (together > 1)
    return Array.from({ length: callers }, (_, caller) => always(Math.floor(caller / together)))
  if (order === 'turn') return Array.from({ length: callers }, (_, caller) => inTurn(caller, callers, count))
  const sequence = keySequence(order, count, CHOICES, seed)
  return Array.from({ length: callers }, (_, caller) =>
    along(sequence, caller * Math.floor(CHOICES / callers)),
  )
}

function always(index: number): Pick {
  return () => index
}

/** Each caller has sessions of its own. */
function inTurn(caller: number, callers: number, count: number): Pick {
  let next = caller
  return () => {
    const index = next
    next += callers
    if (next >= count) next = caller
    return index
  }
}

function along(sequence: Uint32Array, from: number): Pick {
  let next = from
  return () => sequence[next++ % sequence.length] ?? 0
}
