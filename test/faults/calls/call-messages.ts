import type { EngineKind } from './trial-engine.js'

/** What call-child.js is given. */
export interface CallOptions {
  /** It works below this one. */
  readonly directory: string
  readonly kind: EngineKind
  /** Of all that there is to be tried, one in so many is. */
  readonly share: number
  /** The same for openings and closings. */
  readonly shareOfLives: number
  /** Which, follows from this. */
  readonly seed: number
}

/** What it tells when all is well: how often each kind of call was made to fail. */
export interface CallReport {
  readonly runs: number
  readonly failed: Readonly<Record<string, number>>
}
