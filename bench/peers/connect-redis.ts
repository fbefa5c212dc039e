import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import type { BenchSession } from '../workload.js'
import { saveInStore } from './express-store.js'
import type { ExpressPeer } from './peer.js'
import { RedisServer } from './redis-server.js'

/** The `connect-redis` package against a Redis on loopback that keeps everything in memory only. */
export class ConnectRedisPeer implements ExpressPeer {
  readonly #server: RedisServer
  #client: ReturnType<typeof createClient> | undefined
  #store: RedisStore | undefined

  constructor({ directory }: { readonly directory: string }) {
    this.#server = new RedisServer(directory)
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

  save(key: string, session: BenchSession): Promise<void> {
    return saveInStore(this.store, key, session)
  }

  async serverCpu(): Promise<number> {
    const report = (await this.#client?.info('cpu')) ?? ''
    const seconds = (name: string): number =>
      Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(report)?.[1] ?? 0)
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
  }

  async close(): Promise<void> {
    this.#client?.destroy()
    await this.#server.stop()
  }
}
