import type { Store } from 'express-session'
import type { ServerUsage } from '../harness/usage.js'
import type { BenchSession } from '../workloads/session.js'

/** A session store under measurement, reduced to the calls that are measured. */
export interface Peer {
  open(): Promise<void>
  /** Resolves when the store calls the session saved. */
  save(key: string, session: BenchSession): Promise<void>
  /** The same for a session that is new; for those that have a call of its own for it. */
  create?(key: string, session: BenchSession): Promise<void>
  /** The session, as an object of its own. */
  load?(key: string): Promise<BenchSession | undefined>
  /** Moves the expiry of a session that was just loaded, and nothing else; for those that can. */
  touch?(key: string, session: BenchSession): Promise<unknown>
  close(): Promise<void>
  /** What a server of its own has used so far, where there is one. */
  serverUsage?(): Promise<ServerUsage>
  /** Saves so far that shared the write of another one, where the store does that. */
  coalesced?(): number
}

/** One that can stand behind express-session. */
export interface ExpressPeer extends Peer {
  /** Only once it is open. */
  readonly store: Store
}
