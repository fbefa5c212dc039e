import session from 'express-session'
import type { BenchSession } from '../workload.js'
import { saveInStore } from './express-store.js'
import type { ExpressPeer } from './peer.js'

/** express-session's MemoryStore: no storage at all, so the least that any store can cost. */
export class MemoryStorePeer implements ExpressPeer {
  readonly store = new session.MemoryStore()

  async open(): Promise<void> {}

  save(key: string, value: BenchSession): Promise<void> {
    return saveInStore(this.store, key, value)
  }

  async close(): Promise<void> {}
}
