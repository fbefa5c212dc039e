import { CoatcheckStore } from 'coatcheck/express'
import type { BenchSession } from '../workload.js'
import type { CoatcheckPeerOptions } from './coatcheck.js'
import { coatcheckStorage } from './coatcheck-storage.js'
import { saveInStore } from './express-store.js'
import type { ExpressPeer } from './peer.js'

/** Ours as an Express server calls it: the store's `set`. */
export class CoatcheckExpressPeer implements ExpressPeer {
  readonly store: CoatcheckStore

  constructor({ threads, ...storage }: CoatcheckPeerOptions) {
    this.store = new CoatcheckStore({ storage: coatcheckStorage(storage), threads: threads ?? 'auto' })
  }

  open(): Promise<void> {
    return this.store.engine.ready()
  }

  save(key: string, session: BenchSession): Promise<void> {
    return saveInStore(this.store, key, session)
  }

  close(): Promise<void> {
    return this.store.close()
  }

  coalesced(): number {
    return this.store.engine.stats().coalesced
  }
}
