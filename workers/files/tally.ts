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
}
