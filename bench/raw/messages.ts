import type { RawProtocol } from './protocols.js'

/** What a thread of the floor is told when it starts. */
export interface RawThreadOptions {
  /** This thread's own directory. */
  readonly directory: string
  readonly protocol: RawProtocol
  readonly names: readonly string[]
  readonly bytes: Uint8Array
}

/** Asks a thread for one round. */
export interface RawRoundRequest {
  readonly leadIn: number
  readonly seconds: number
}

/** What a thread did in a round. */
export interface RawRoundResult {
  readonly saves: number
  readonly seconds: number
  readonly histogram: string
}
