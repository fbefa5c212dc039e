import type { CorruptNotice } from '../protocol/index.js'

/** What a walk has met in one slice. */
export interface Tally {
  keys: string[]
  scanned: number
  live: number
  expired: number
  orphans: number
  resealed: number
  corrupt: CorruptNotice[]
  refused: CorruptNotice[]
}

/** One of a slice that has met nothing yet. */
export function emptyTally(): Tally {
  return { keys: [], scanned: 0, live: 0, expired: 0, orphans: 0, resealed: 0, corrupt: [], refused: [] }
}
