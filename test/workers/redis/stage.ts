import { SessionEngine } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { createClient } from 'redis'
import { ConnectionTally, connectionMemory, type WorkerStorage } from '#dist/workers/protocol/index.js'
import { openStorage } from '#dist/workers/redis/index.js'
import type { RedisWorkerOptions } from '#dist/workers/redis/options.js'
import { type ProxyOptions, RedisProxy } from '../../fixtures/redis/proxy.js'
import { type ClusterLayout, RedisCluster, until } from '../../fixtures/redis/redis-cluster.js'
import { RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'

export const HOST = '127.0.0.1'

/** Asks a server beside what is tested. */
export interface Asking {
  /** What it answers to a command of these words. */
  ask(...words: (string | Buffer)[]): Promise<unknown>
}

/**
 * Everything that a test opens. It is all closed in the end, the last one first, also where the test fails: what is open would keep its
 * process alive.
 *
 * @example
 * await using stage = new Stage()
 */
export class Stage implements AsyncDisposable {
  #threads = 0
  readonly #ends: (() => unknown)[] = []

  /** A server with these words in its command line. */
  async server(...words: string[]): Promise<RedisServer> {
    const server = new RedisServer({ directory: temporaryDirectory('memory'), words })
    this.#ends.push(() => server.stop())
    await server.start()
    return server
  }

  /** A replica of that one, which has everything that it has. */
  async replicaOf({ port }: RedisServer): Promise<RedisServer> {
    const replica = await this.server('--replicaof', HOST, `${port}`)
    const { ask } = await this.client(replica.port)
    await until(async () => /master_link_status:up/.test(String(await ask('INFO', 'replication'))))
    return replica
  }

  async cluster(layout: ClusterLayout): Promise<RedisCluster> {
    const cluster = new RedisCluster(temporaryDirectory('memory'))
    this.#ends.push(() => cluster.stop())
    await cluster.start(layout)
    return cluster
  }

  /** A line to a port; returns where it begins, too. */
  async proxy(
    target: number,
    options?: ProxyOptions,
  ): Promise<{ readonly proxy: RedisProxy; readonly url: string }> {
    const proxy = new RedisProxy(target, options)
    const url = `redis://${HOST}:${await proxy.start()}`
    this.#ends.push(() => proxy.stop())
    return { proxy, url }
  }

  async client(port: number): Promise<Asking> {
    const client = createClient({ socket: { host: HOST, port, reconnectStrategy: false } })
    // What was asked rejects.
    client.on('error', () => undefined)
    await client.connect()
    this.#ends.push(() => client.isOpen && client.destroy())
    return { ask: (...words) => client.sendCommand(words) }
  }

  /** An engine of one thread. */
  engine<Session extends object = Record<string, unknown>>(options: RedisOptions): SessionEngine<Session> {
    const storage = redis({ commandTimeout: 20_000, ...options })
    const engine = new SessionEngine<Session>({ storage, threads: 1 })
    this.#ends.push(() => engine.close())
    return engine
  }

  /** The worker half alone; what is in this memory it shares with others. */
  async storage(options: RedisOptions, memory = connectionMemory()): Promise<WorkerStorage> {
    const { options: workerOptions } = redis({ commandTimeout: 20_000, ...options })
    const storage = await openStorage(
      workerOptions as RedisWorkerOptions,
      new ConnectionTally(memory, { pool: 1, thread: ++this.#threads }),
    )
    this.#ends.push(() => storage.close())
    return storage
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (const end of this.#ends.reverse()) {
      try {
        await end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not all of it could be closed')
  }
}
