import { SessionEngine } from 'coatcheck'
import type { BenchSession } from '../workload.js'
import { type CoatcheckStorageOptions, coatcheckStorage } from './coatcheck-storage.js'
import type { Peer } from './peer.js'

/** Options of every peer that is ours. */
export interface CoatcheckPeerOptions extends CoatcheckStorageOptions {
  /** Default `'auto'`. */
  readonly threads?: number
}

/** Options of {@link CoatcheckPeer}. */
export interface SealedPeerOptions extends CoatcheckPeerOptions {
  /** Whether what is stored is sealed. Default `false`. */
  readonly sealed?: boolean
}

/** Ours: `engine.save` and `engine.load`. */
export class CoatcheckPeer implements Peer {
  readonly #engine: SessionEngine<BenchSession>

  constructor({ threads, sealed = false, ...storage }: SealedPeerOptions) {
    this.#engine = new SessionEngine({
      storage: coatcheckStorage(storage),
      threads: threads ?? 'auto',
      ...(sealed ? { seal: { keys: ['a key that is as long as it has to be'] } } : {}),
    })
  }

  open(): Promise<void> {
    return this.#engine.ready()
  }

  save(key: string, session: BenchSession): Promise<void> {
    return this.#engine.save(key, session)
  }

  load(key: string): Promise<BenchSession | undefined> {
    return this.#engine.load(key)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  coalesced(): number {
    return this.#engine.stats().coalesced
  }
}
