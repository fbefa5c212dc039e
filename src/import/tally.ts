import type { SecretProblem } from './source.js'

/** What was wrong with sessions that could not be moved: one reason, and how many had it. */
export interface UnreadableSessions {
  /** As in `cannot be decoded`; one of a few, with nothing of a session or its key in it. */
  readonly reason: string
  readonly count: number
  /** Inode numbers of the first of them, by which their owner finds the files. */
  readonly inodes: readonly number[]
}

/** What has become of the sessions of a source. */
export interface MovedSessions {
  readonly imported: number
  /** Had been moved before, or were made anew since; they were left as they are. */
  readonly existing: number
  readonly expired: number
  readonly unreadable: number
  /** Files and directories that are no sessions. */
  readonly foreign: number
  /** Deleted by somebody else since they were listed. */
  readonly gone: number
  readonly reasons: readonly UnreadableSessions[]
}

/** What became of one entry: what its reading said, or that it is stored now, or was before. */
export type Outcome =
  | { readonly state: 'imported' | 'existing' | 'expired' | 'gone' | 'foreign' }
  | {
      readonly state: 'unreadable'
      readonly reason: string
      readonly inode: number
      readonly secret?: SecretProblem
    }

/** Inode numbers kept for each reason: enough to look at, and no more memory however many there are. */
const MOST_INODES = 10

/** Counts what becomes of the entries of a source. */
export class Tally implements MovedSessions {
  imported = 0
  existing = 0
  expired = 0
  unreadable = 0
  foreign = 0
  gone = 0
  readonly #reasons = new Map<string, { reason: string; count: number; inodes: number[] }>()

  add(outcome: Outcome): void {
    this[outcome.state]++
    if (outcome.state === 'unreadable') this.#addReason(outcome.reason, outcome.inode)
  }

  /** The most frequent first. */
  get reasons(): readonly UnreadableSessions[] {
    return [...this.#reasons.values()].sort((one, other) => other.count - one.count)
  }

  #addReason(reason: string, inode: number): void {
    const known = this.#reasons.get(reason) ?? { reason, count: 0, inodes: [] }
    this.#reasons.set(reason, known)
    known.count++
    if (inode !== 0 && known.inodes.length < MOST_INODES) known.inodes.push(inode)
  }
}
