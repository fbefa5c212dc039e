import type { FilesOptions } from 'coatcheck'
import type { RedisOptions } from 'coatcheck/redis'
import type { Fault } from '../fixtures/faulty-worker.js'
import type { Call } from './model.js'
import type { Bug } from './planted-bugs.js'
import type { ProfileName } from './workload.js'

/** What history-child.js is given. */
export interface HistoryChildOptions {
  readonly files: FilesOptions
  /** In the place of files. */
  readonly servers?: RedisOptions
  readonly threads: number
  /** Where it writes what it does, a line for each call and for each answer, before and after it happens. */
  readonly log: string
  /** Milliseconds since the epoch from which lives are counted, the same for all. */
  readonly livesFrom: number
  /** Workers die of a key that the run asks for. */
  readonly dying?: Pick<Fault, 'when' | 'how'>
  readonly bug?: Bug
}

/** A key, and what is done to it. */
export interface HotKey {
  readonly key: string
  readonly profile: ProfileName
}

/** What a process does in one history. */
export interface Run {
  readonly seed: number
  readonly keys: readonly HotKey[]
  readonly callers: number
  /** Turns that each caller takes; in each it issues one to three operations at once. */
  readonly turns: number
  /** What it writes is counted from here: unique among all processes of the history. */
  readonly firstValue: number
  /** Does nothing but the first saves. */
  readonly onlyFirstSaves?: boolean
  /** Kills itself when so many operations have been issued, in the midst of them. */
  readonly killAfter?: number | undefined
  /** Lets a worker die when so many have been issued, and the next ones with it, so often. */
  readonly dieAfter?: number | undefined
  readonly deaths?: number | undefined
  /** Sweeps and, with a journal, brings all to files again and again meanwhile. */
  readonly sweeps: boolean
}

/** What the parent asks for. */
export type Request = { readonly kind: 'run'; readonly run: Run } | { readonly kind: 'close' }

/** What the child says: it is open, or it is through, and what was wrong besides. */
export interface Answer {
  readonly kind: 'open' | 'ran' | 'closed' | 'broken'
  readonly complaints: readonly string[]
}

/** A line of the log: an operation was called. Moments are nanoseconds of the clock that all processes of a machine share. */
export interface CallLine {
  readonly id: number
  readonly key: string
  readonly call: Call
  readonly began: string
}

/** A line of the log: its caller was told. */
export interface ToldLine {
  readonly id: number
  readonly told: string
  readonly ended: string
  /** Workers that died meanwhile. */
  readonly deaths: number
  /** Connections to servers that were made meanwhile in the place of lost ones. */
  readonly reconnects: number
}

/** What an operation tells that the storage has failed: nobody knows whether it has taken effect. */
export const FAILED = 'failed: '
