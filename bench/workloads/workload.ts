import { makeKeys } from './keys.js'
import type { KeyOrder } from './sequence.js'
import { type BenchSession, makeSession, sizedSession } from './session.js'

/** Keys that a bench uses, unless it says otherwise or there are more callers than that. */
export const KEYS = 1_000

/** What random choices of a bench begin with, unless it is told another number. */
export const SEED = 0x5eed

/**
 * What a caller does with a session when it is its turn.
 *
 * - `save`, `load`: just that
 * - `request`: loads, changes, saves: a server that saves with every request
 * - `create`: stores a session that is new: a login
 * - `touch`: loads, and touches; saves instead one time in twenty
 * - `read`: loads; changes and saves as well one time in twenty
 */
export type OperationName = 'save' | 'load' | 'request' | 'create' | 'touch' | 'read'

/** What callers do, and with which sessions. */
export interface WorkloadDescription {
  readonly operation: OperationName
  /** How many sessions there are. */
  readonly sessions: number
  /** Default `'turn'`: each caller has sessions of its own, and no two operations under way are of one session. */
  readonly order?: KeyOrder
  /** Only so many of them, evenly spread, are ever asked for. Default all. */
  readonly active?: number
  /** So many callers in a row are at the same session at the same time. Default 1. */
  readonly together?: number
  /** Of a session as JSON; default some 393. */
  readonly bytes?: number
  /** The sessions are there already when the contestant is opened. Default `false`. */
  readonly stored?: boolean
  /** Default {@link SEED}. */
  readonly seed?: number
}

/** Saves, where nothing else is said. */
export const HOT_SAVES: WorkloadDescription = { operation: 'save', sessions: KEYS }

/**
 * Keys and their sessions. Callers change the visits before each save, so that no two versions are alike. Where there are very
 * many keys, some share an object: a million of those would weigh more than what is measured.
 */
export interface Workload {
  readonly keys: readonly string[]
  readonly sessions: readonly BenchSession[]
}

const MOST_OBJECTS = 50_000

/** As many keys as there are callers at the least: each caller has keys of its own. */
export function makeWorkload(callers: number, count = KEYS, bytes?: number): Workload {
  const keys = makeKeys(Math.max(count, callers))
  const session = (index: number): BenchSession =>
    bytes === undefined ? makeSession(index) : sizedSession(index, bytes)
  return { keys, sessions: keys.slice(0, MOST_OBJECTS).map((_, index) => session(index)) }
}
