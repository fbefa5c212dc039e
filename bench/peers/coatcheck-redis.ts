import { SessionEngine } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import type { ServerUsage } from '../harness/usage.js'
import type { BenchSession } from '../workloads/session.js'
import { CoatcheckPeer } from './coatcheck.js'
import { MeasuredRedis } from './measured-redis.js'
import type { Peer } from './peer.js'

/** Options of {@link CoatcheckRedisPeer}. */
export interface CoatcheckRedisOptions {
  readonly directory: string
  /** Default `'auto'`. */
  readonly threads?: number
}

/** Ours, on a Redis of its own on loopback. */
export class CoatcheckRedisPeer implements Peer {
  readonly #options: CoatcheckRedisOptions
  readonly #server: MeasuredRedis
  #peer: CoatcheckPeer | undefined

  constructor(options: CoatcheckRedisOptions) {
    this.#options = options
    this.#server = new MeasuredRedis(options.directory, 'none')
  }

  async open(): Promise<void> {
    const { threads = 'auto' } = this.#options
    const storage = redis({ url: `redis://127.0.0.1:${await this.#server.open()}` })
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
