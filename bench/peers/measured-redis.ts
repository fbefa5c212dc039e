import { type Persistence, RedisServer } from '../../test/fixtures/redis/redis-server.js'
import { bytesWrittenBy, type ServerUsage } from '../harness/usage.js'
import { connectTo, type RedisClient } from './redis-client.js'

/** A Redis server of a peer's own on loopback, and what it uses. */
export class MeasuredRedis {
  readonly #server: RedisServer
  #client: RedisClient | undefined

  constructor(directory: string, persistence: Persistence) {
    this.#server = new RedisServer({ directory, persistence })
  }

  /** Starts it and returns its port. */
  async open(): Promise<number> {
    const port = await this.#server.start()
    const client = await connectTo(port)
    this.#client = client
    return port
  }

  /** Since it was started. */
  async usage(): Promise<ServerUsage> {
    const report = String((await this.#client?.info('cpu')) ?? '')
    const seconds = (name: string): number =>
      Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(report)?.[1] ?? 0)
    const { pid } = this.#server
    return {
      cpuMicroseconds: (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6,
      bytesWritten: pid === undefined ? undefined : bytesWrittenBy(pid),
    }
  }

  /** Stops it. */
  async close(): Promise<void> {
    this.#client?.destroy()
    await this.#server.stop()
  }
}
