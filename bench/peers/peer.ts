import type { BenchSession } from '../workload.js'

/** A session store under measurement, reduced to the one call that is measured. */
export interface Peer {
  open(): Promise<void>
  /** Resolves when the store calls the session saved. */
  save(key: string, session: BenchSession): Promise<void>
  close(): Promise<void>
  /** Microseconds of processor time that a server of its own has used so far, where there is one. */
  serverCpu?(): Promise<number>
  /** Saves so far that shared the write of another one, where the store does that. */
  coalesced?(): number
}
