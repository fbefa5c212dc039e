import { SessionEngine } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import type { ServerUsage } from '../harness/usage.js'
import type { BenchSession } from '../workloads/session.js'
import { CoatcheckPeer } from './coatcheck.js'
import { MeasuredCluster } from './measured-cluster.js'
import { MeasuredRedis } from './measured-redis.js'
import type { Peer } from './peer.js'

/** Options of {@link CoatcheckRedisPeer}. */
export interface CoatcheckRedisOptions {
  readonly directory: string
  /** Default `'auto'`. */
  readonly threads?: number
  /** A cluster of three masters instead of one server. Default `false`. */
  readonly cluster?: boolean
}

/** Ours, on a Redis of its own on loopback. */
export class CoatcheckRedisPeer implements Peer {
  readonly #options: CoatcheckRedisOptions
  readonly #server: MeasuredRedis | MeasuredCluster
  #peer: CoatcheckPeer | undefined

  constructor(options: CoatcheckRedisOptions) {
    this.#options = options
    const { directory, cluster = false } = options
    this.#server = cluster ? new MeasuredCluster(directory) : new MeasuredRedis(directory, 'none')
  }

  async open(): Promise<void> {
    const { threads = 'auto' } = this.#options
    const at = await this.#server.open()
    const storage =
      typeof at === 'number' ? redis({ url: `redis://127.0.0.1:${at}` }) : redis({ nodes: at, cluster: true })
    this.#peer = new CoatcheckPeer(new SessionEngine({ storage, threads }))
    await this.#peer.open()
  }

  save(key: string, session: BenchSession): Promise<void> {
    return this.#opened.save(key, session)
  }

  create(key: string, session: BenchSession): Promise<void> {
    return this.#opened.create(key, session)
  }

  load(key: string): Promise<BenchSession | undefined> {
    return this.#opened.load(key)
  }

  touch(key: string): Promise<boolean> {
    return this.#opened.touch(key)
  }

  serverUsage(): Promise<ServerUsage> {
    return this.#server.usage()
  }

  coalesced(): number {
    return this.#opened.coalesced()
  }

  async close(): Promise<void> {
    await this.#peer?.close()
    await this.#server.close()
  }

  get #opened(): CoatcheckPeer {
    if (this.#peer === undefined) throw new Error('the engine was not opened')
    return this.#peer
  }
}
