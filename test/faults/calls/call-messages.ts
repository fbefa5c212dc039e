import type { EngineKind } from './trial-engine.js'

/** What call-child.js is given. */
export interface CallOptions {
  /** It works below this one. */
  readonly directory: string
  readonly kind: EngineKind
  readonly plain: Shares
  /** The same of an engine with a seal; nothing when absent. */
  readonly sealed?: Shares
  /** Sealing anew. */
  readonly reseals?: Shares
  /** Which are tried, follows from this. */
  readonly seed: number
}

/** How much is tried of what there is. */
export interface Shares {
  /** One in so many subjects. */
  readonly subjects: number
  /** Of those, one in so many calls, with one error or another. */
  readonly calls: number
  /** One in so many openings, closings and such, which take long. */
  readonly longSubjects: number
  /** Of their calls, one in so many. */
  readonly lives: number
}

/** What it tells when all is well: how often each kind of call was made to fail. */
export interface CallReport {
  readonly runs: number
  /** Of those. */
  readonly runsSealed: number
  readonly runsResealing: number
  readonly failed: Readonly<Record<string, number>>
}
