import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { type Persistence, RedisServer } from '../../test/fixtures/redis/redis-server.js'
import { bytesWrittenBy, type ServerUsage } from '../harness/usage.js'
import { StorePeer } from './store-peer.js'

/** Options of {@link ConnectRedisPeer}. */
export interface ConnectRedisOptions {
  readonly directory: string
  /** Default `'none'`. */
  readonly persistence?: Persistence
}

/** The `connect-redis` package against a Redis of its own on loopback. */
export class ConnectRedisPeer extends StorePeer {
  readonly #server: RedisServer
  #client: ReturnType<typeof createClient> | undefined
  #store: RedisStore | undefined

  constructor({ directory, persistence = 'none' }: ConnectRedisOptions) {
    super()
    this.#server = new RedisServer({ directory, persistence })
  }

  async open(): Promise<void> {
    const port = await this.#server.start()
    const client = createClient({ socket: { host: '127.0.0.1', port } })
    // Without a listener a connection that breaks at the end would end the process.
    client.on('error', () => undefined)
    await client.connect()
    this.#client = client
    this.#store = new RedisStore({ client })
  }

  get store(): RedisStore {
    if (this.#store === undefined) throw new Error('connect-redis was not opened')
    return this.#store
  }

  async serverUsage(): Promise<ServerUsage> {
    const report = (await this.#client?.info('cpu')) ?? ''
    const seconds = (name: string): number =>
      Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(report)?.[1] ?? 0)
    const { pid } = this.#server
    return {
      cpuMicroseconds: (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6,
      bytesWritten: pid === undefined ? undefined : bytesWrittenBy(pid),
    }
  }

  async close(): Promise<void> {
    this.#client?.destroy()
    await this.#server.stop()
  }
}
