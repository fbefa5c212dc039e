import type { PeerDescription } from '../harness/open-contestant.js'

/** What the process that is watched is told. */
export interface FootprintRequest {
  readonly directory: string
  readonly peer: PeerDescription
}
