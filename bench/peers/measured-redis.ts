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
  usage(): Promise<ServerUsage> {
    return usageOf(this.#client, this.#server.pid)
  }

  /** Stops it. */
  async close(): Promise<void> {
    this.#client?.destroy()
    await this.#server.stop()
  }
}

/** What a server has used up since it was started; nothing when nobody asks it. */
export async function usageOf(
  client: RedisClient | undefined,
  pid: number | undefined,
): Promise<ServerUsage> {
  const report = String((await client?.info('cpu')) ?? '')
  const seconds = (name: string): number =>
    Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(report)?.[1] ?? 0)
  return {
    cpuMicroseconds: (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6,
    bytesWritten: pid === undefined ? undefined : bytesWrittenBy(pid),
  }
}
