import { files, SessionEngine } from 'coatcheck'
import type { BenchSession } from '../workload.js'
import type { Peer } from './peer.js'

/** Options of {@link CoatcheckPeer}. */
export interface CoatcheckPeerOptions {
  readonly directory: string
  readonly threads: number
  readonly fsync: boolean
}

/** Ours: `engine.save`, durability `direct`. */
export class CoatcheckPeer implements Peer {
  readonly #engine: SessionEngine<BenchSession>

  constructor({ directory, threads, fsync }: CoatcheckPeerOptions) {
    this.#engine = new SessionEngine({ storage: files({ directory, fsync }), threads })
  }

  open(): Promise<void> {
    return this.#engine.ready()
  }

  save(key: string, session: BenchSession): Promise<void> {
    return this.#engine.save(key, session)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  coalesced(): number {
    return this.#engine.stats().coalesced
  }
}
