import { createServer, type Server } from 'node:http'
import { makeApp } from '../../examples/every-request/app.js'
import type { ServerUsage } from '../harness/usage.js'
import { loadFromStore } from '../peers/express-store.js'
import type { ExpressPeer } from '../peers/peer.js'
import type { BenchShop } from './bench-shop.js'

/** In Express, with express-session over a store. */
export class StoreShop implements BenchShop {
  readonly #peer: ExpressPeer
  readonly serverUsage?: () => Promise<ServerUsage>

  constructor(peer: ExpressPeer) {
    this.#peer = peer
    if (peer.serverUsage !== undefined) this.serverUsage = peer.serverUsage.bind(peer)
  }

  open(): Promise<void> {
    return this.#peer.open()
  }

  async makeServer(onError: (error: unknown) => void): Promise<Server> {
    return createServer(makeApp(this.#peer.store, onError))
  }

  load(key: string): Promise<object | undefined> {
    return loadFromStore(this.#peer.store, key)
  }

  close(): Promise<void> {
    return this.#peer.close()
  }
}
