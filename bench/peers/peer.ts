import type { Store } from 'express-session'
import type { BenchSession } from '../workload.js'

/** A session store under measurement, reduced to the calls that are measured. */
export interface Peer {
  open(): Promise<void>
  /** Resolves when the store calls the session saved. */
  save(key: string, session: BenchSession): Promise<void>
  /** The session, as an object of its own; for those whose loads are measured. */
  load?(key: string): Promise<BenchSession | undefined>
  close(): Promise<void>
  /** Microseconds of processor time that a server of its own has used so far, where there is one. */
  serverCpu?(): Promise<number>
  /** Saves so far that shared the write of another one, where the store does that. */
  coalesced?(): number
}

/** One that can stand behind express-session. */
export interface ExpressPeer extends Peer {
  /** Only once it is open. */
  readonly store: Store
}
