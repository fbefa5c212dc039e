import { CoatcheckStore } from 'coatcheck/express'
import type { CoatcheckPeerOptions } from './coatcheck.js'
import { coatcheckStorage } from './coatcheck-storage.js'
import { StorePeer } from './store-peer.js'

/** Ours as an Express server calls it: the store's `set`, `get` and `touch`. */
export class CoatcheckExpressPeer extends StorePeer {
  readonly store: CoatcheckStore

  constructor({ threads, ...storage }: CoatcheckPeerOptions) {
    super()
    this.store = new CoatcheckStore({ storage: coatcheckStorage(storage), threads: threads ?? 'auto' })
  }

  open(): Promise<void> {
    return this.store.engine.ready()
  }

  close(): Promise<void> {
    return this.store.close()
  }

  coalesced(): number {
    return this.store.engine.stats().coalesced
  }
}
