import type { Store } from 'express-session'
import type { BenchSession } from '../workloads/session.js'
import { loadFromStore, saveInStore, touchInStore } from './express-store.js'
import type { ExpressPeer } from './peer.js'

/** A session store of express-session, called as that calls it. */
export abstract class StorePeer implements ExpressPeer {
  abstract readonly store: Store

  abstract open(): Promise<void>

  abstract close(): Promise<void>

  save(key: string, session: BenchSession): Promise<void> {
    return saveInStore(this.store, key, session)
  }

  load(key: string): Promise<BenchSession | undefined> {
    return loadFromStore(this.store, key)
  }

  touch(key: string, session: BenchSession): Promise<void> {
    return touchInStore(this.store, key, session)
  }
}
