import { RedisStore } from 'connect-redis'
import type { Persistence } from '../../test/fixtures/redis/redis-server.js'
import type { ServerUsage } from '../harness/usage.js'
import { MeasuredRedis } from './measured-redis.js'
import { connectTo, type RedisClient } from './redis-client.js'
import { StorePeer } from './store-peer.js'

/** Options of {@link ConnectRedisPeer}. */
export interface ConnectRedisOptions {
  readonly directory: string
  /** Default `'none'`. */
  readonly persistence?: Persistence
}

/** The `connect-redis` package against a Redis of its own on loopback. */
export class ConnectRedisPeer extends StorePeer {
  readonly #server: MeasuredRedis
  #client: RedisClient | undefined
  #store: RedisStore | undefined

  constructor({ directory, persistence = 'none' }: ConnectRedisOptions) {
    super()
    this.#server = new MeasuredRedis(directory, persistence)
  }

  async open(): Promise<void> {
    const port = await this.#server.open()
    const client = await connectTo(port)
    this.#client = client
    this.#store = new RedisStore({ client })
  }

  get store(): RedisStore {
    if (this.#store === undefined) throw new Error('connect-redis was not opened')
    return this.#store
  }

  serverUsage(): Promise<ServerUsage> {
    return this.#server.usage()
  }

  async close(): Promise<void> {
    this.#client?.destroy()
    await this.#server.close()
  }
}
