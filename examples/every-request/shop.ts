import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import { makeApp } from './app.js'

/** The app, its store and its server, from opening to closing. */
export class Shop {
  readonly #store: CoatcheckStore
  readonly #server: Server
  #requests = 0
  #errors = 0
  #closing = false

  private constructor(directory: string) {
    this.#store = new CoatcheckStore({ directory })
    const app = makeApp(this.#store, (error) => {
      // Then only requests are left whose visitors hung up.
      if (this.#closing) return
      // One is enough to see what is wrong; under load there may be thousands.
      if (this.#errors++ === 0) console.error(error)
    })
    this.#server = createServer(app)
    this.#server.on('request', () => this.#requests++)
  }

  /** Opens the store first: what is wrong with the directory shows here. */
  static async open(directory: string, port: number): Promise<Shop> {
    const shop = new Shop(directory)
    try {
      await shop.#store.engine.ready()
      shop.#server.listen(port, '127.0.0.1')
      await once(shop.#server, 'listening')
      return shop
    } catch (error) {
      await shop.#store.close()
      throw error
    }
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get engine(): SessionEngine<object> {
    return this.#store.engine
  }

  /** Requests so far. */
  get requests(): number {
    return this.#requests
  }

  /** Requests so far that ended with an error. */
  get errors(): number {
    return this.#errors
  }

  /** No new requests; then everything accepted is stored. */
  async close(): Promise<void> {
    this.#closing = true
    const closed = once(this.#server, 'close')
    this.#server.close()
    const impatience = setTimeout(() => this.#server.closeAllConnections(), 1000)
    await closed
    clearTimeout(impatience)
    await this.#store.close()
  }
}
