import type { Express } from 'express'
import { makeApp } from '../../examples/every-request/app.js'
import type { ExpressPeer } from '../peers/peer.js'
import type { BenchShop } from './bench-shop.js'

/** With express-session over a store. */
export class StoreShop implements BenchShop {
  readonly #peer: ExpressPeer
  readonly serverCpu?: () => Promise<number>

  constructor(peer: ExpressPeer) {
    this.#peer = peer
    if (peer.serverCpu !== undefined) this.serverCpu = peer.serverCpu.bind(peer)
  }

  open(): Promise<void> {
    return this.#peer.open()
  }

  makeApp(onError: (error: unknown) => void): Express {
    return makeApp(this.#peer.store, onError)
  }

  load(key: string): Promise<object | undefined> {
    return new Promise((resolve, reject) => {
      this.#peer.store.get(key, (error: unknown, session) => {
        if (error) reject(error)
        else resolve(session ?? undefined)
      })
    })
  }

  close(): Promise<void> {
    return this.#peer.close()
  }
}
