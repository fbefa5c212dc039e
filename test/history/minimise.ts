import { explain, type Timed, TooManyStatesError } from './checker.js'
import { changedNothing, SESSION_MODEL, type SessionOperation } from './model.js'

type History = readonly Timed<SessionOperation>[]

/** A search for less is not worth more. */
const MOST_STATES = 100_000

/**
 * The few operations of a history that show why no order explains it. What is left out has nothing to do with that: without
 * it, or with it at whatever moment, there is no such order either.
 */
export function minimise(history: History): History {
  let kept = untilItFails(history)
  const anytime: Timed<SessionOperation>[] = []
  for (const timed of [...kept].reverse()) {
    const rest = kept.filter((other) => other !== timed)
    const { told, ...call } = timed.operation
    const free = {
      operation: call,
      began: Number.NEGATIVE_INFINITY,
      ended: Number.POSITIVE_INFINITY,
      optional: true,
    }
    const loose = changedNothing(timed.operation) ? anytime : [...anytime, free]
    if (!isInexplicable([...rest, ...loose])) continue
    kept = rest
    anytime.splice(0, anytime.length, ...loose)
  }
  return kept
}

/** The shortest part, from the beginning on, that cannot be explained; what was under way then may have happened. */
function untilItFails(history: History): History {
  const ends = history.filter(({ optional }) => !optional).map(({ ended }) => ended)
  ends.sort((one, other) => one - other)
  let [low, high] = [0, ends.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isInexplicable(until(history, ends[middle] ?? 0))) high = middle
    else low = middle + 1
  }
  const part = until(history, ends[low] ?? 0)
  return isInexplicable(part) ? part : history
}

function until(history: History, moment: number): History {
  return history
    .filter(({ began }) => began <= moment)
    .map((timed) => {
      if (timed.optional || timed.ended <= moment) return timed
      const { told, ...call } = timed.operation
      return { ...timed, operation: call, optional: true }
    })
}

function isInexplicable(history: History): boolean {
  try {
    return !explain(SESSION_MODEL, history, MOST_STATES).explained
  } catch (error) {
    if (error instanceof TooManyStatesError) return false
    throw error
  }
}

/** A history to be read: a line for each operation, in the order in which they began. */
export function toText(history: History): string {
  const first = Math.min(...history.map(({ began }) => began))
  return [...history]
    .sort((one, other) => one.began - other.began)
    .map(({ operation, began, ended, optional, issuer }) => {
      const { kind, told = 'nobody knows', ...rest } = operation
      const by = issuer === undefined ? '' : `${issuer.replace(/^.*\//, '')}, `
      const given = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
      const times = `${microseconds(began - first)} to ${microseconds(ended - first)}`
      return `${by}${times}${optional ? ', or not at all' : ''}: ${kind}${given.length > 0 ? ` (${given.join(', ')})` : ''} → ${told}`
    })
    .join('\n')
}

function microseconds(nanoseconds: number): string {
  return Number.isFinite(nanoseconds) ? `${Math.round(nanoseconds / 1000)} µs` : 'for ever'
}
