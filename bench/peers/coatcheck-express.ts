import { CoatcheckStore } from 'coatcheck/express'
import type { BenchSession } from '../workload.js'
import { saveInStore } from './express-store.js'
import type { Peer } from './peer.js'

/** Ours as an Express server calls it: the store's `set`. */
export class CoatcheckExpressPeer implements Peer {
  readonly #store: CoatcheckStore

  constructor({ directory, threads }: { readonly directory: string; readonly threads: number }) {
    this.#store = new CoatcheckStore({ directory, threads })
  }

  open(): Promise<void> {
    return this.#store.engine.ready()
  }

  save(key: string, session: BenchSession): Promise<void> {
    return saveInStore(this.#store, key, session)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  coalesced(): number {
    return this.#store.engine.stats().coalesced
  }
}
