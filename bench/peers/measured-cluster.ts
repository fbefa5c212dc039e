import { RedisCluster } from '../../test/fixtures/redis/redis-cluster.js'
import type { ServerUsage } from '../harness/usage.js'
import { usageOf } from './measured-redis.js'
import { connectTo, type RedisClient } from './redis-client.js'

/** A Redis Cluster of three masters of a peer's own on loopback, and what it uses. */
export class MeasuredCluster {
  readonly #cluster: RedisCluster
  readonly #clients: RedisClient[] = []

  constructor(directory: string) {
    this.#cluster = new RedisCluster(directory)
  }

  /** Starts it and returns where its nodes listen. */
  async open(): Promise<readonly { readonly host: string; readonly port: number }[]> {
    await this.#cluster.start({ masters: 3, replicas: 0 })
    const { nodes } = this.#cluster
    this.#clients.push(...(await Promise.all(nodes.map(({ port }) => connectTo(port)))))
    return nodes
  }

  /** Of all nodes since they were started. */
  async usage(): Promise<ServerUsage> {
    const { servers } = this.#cluster
    const usages = await Promise.all(
      this.#clients.map((client, index) => usageOf(client, servers[index]?.pid)),
    )
    return usages.reduce((sum, { cpuMicroseconds, bytesWritten }) => ({
      cpuMicroseconds: sum.cpuMicroseconds + cpuMicroseconds,
      bytesWritten:
        sum.bytesWritten === undefined || bytesWritten === undefined
          ? undefined
          : sum.bytesWritten + bytesWritten,
    }))
  }

  /** Stops it. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.#cluster.stop()
  }
}
