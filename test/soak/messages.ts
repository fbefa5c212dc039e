import type { RedisOptions } from 'coatcheck/redis'
import type { Lives } from './mortal-files.js'
import type { Sample } from './samples.js'

/** Where sessions go: each save its own file, a journal in front of them, or a server. */
export type SoakStorage = 'direct' | 'journal' | 'redis'

/** What a soak's process is started with. */
export interface SoakOptions {
  readonly directory: string
  readonly storage: SoakStorage
  /** In the place of the directory, for `redis`. */
  readonly servers?: RedisOptions
  readonly lives: Lives
  /** Grows by a byte with each death of a worker. */
  readonly log: string
  readonly visitors: number
  /** Sessions of each visitor. */
  readonly sessions: number
  /** Keys in each request of sessions that there are not: other ones each time, so that nothing may be kept of a key. */
  readonly strangers: number
  /** Requests of each visitor between two samples. */
  readonly requests: number
  /** Samples at the least. */
  readonly rounds: number
  /** Milliseconds: no further round is begun after them. */
  readonly atLeast: number
}

/** The sessions that have to be there at the end, and what is in them. */
export type Ledger = readonly { readonly key: string; readonly saves: number }[]

/** What a soak's process tells. */
export type SoakMessage =
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'end'; readonly ledger: Ledger; readonly problems: readonly string[] }
