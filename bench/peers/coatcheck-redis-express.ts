import { CoatcheckStore } from 'coatcheck/express'
import { redis } from 'coatcheck/redis'
import type { ServerUsage } from '../harness/usage.js'
import { MeasuredRedis } from './measured-redis.js'
import { StorePeer } from './store-peer.js'

/** Options of {@link CoatcheckRedisExpressPeer}. */
export interface CoatcheckRedisExpressOptions {
  readonly directory: string
}

/** Ours as an Express server calls it, on a Redis of its own on loopback. */
export class CoatcheckRedisExpressPeer extends StorePeer {
  readonly #server: MeasuredRedis
  #store: CoatcheckStore | undefined

  constructor({ directory }: CoatcheckRedisExpressOptions) {
    super()
    this.#server = new MeasuredRedis(directory, 'none')
  }

  async open(): Promise<void> {
    const storage = redis({ url: `redis://127.0.0.1:${await this.#server.open()}` })
    this.#store = new CoatcheckStore({ storage })
    await this.#store.engine.ready()
  }

  get store(): CoatcheckStore {
    if (this.#store === undefined) throw new Error('the store was not opened')
    return this.#store
  }

  serverUsage(): Promise<ServerUsage> {
    return this.#server.usage()
  }

  async close(): Promise<void> {
    await this.#store?.close()
    await this.#server.close()
  }
}
