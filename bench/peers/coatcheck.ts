import { SessionEngine } from 'coatcheck'
import type { BenchSession } from '../workloads/session.js'
import { type CoatcheckStorageOptions, coatcheckStorage } from './coatcheck-storage.js'
import type { Peer } from './peer.js'

/** Options of every peer that is ours. */
export interface CoatcheckPeerOptions extends CoatcheckStorageOptions {
  /** Default `'auto'`. */
  readonly threads?: number | 'auto'
}

/** Options of {@link CoatcheckPeer.with}. */
export interface CoatcheckEngineOptions extends CoatcheckPeerOptions {
  /** Whether what is stored is sealed. Default `false`. */
  readonly sealed?: boolean
}

/** Ours: the engine's own calls. */
export class CoatcheckPeer implements Peer {
  readonly #engine: SessionEngine<BenchSession>

  constructor(engine: SessionEngine<BenchSession>) {
    this.#engine = engine
  }

  static with({ threads = 'auto', sealed = false, ...storage }: CoatcheckEngineOptions): CoatcheckPeer {
    const seal = sealed ? { seal: { keys: ['a key that is as long as it has to be'] } } : {}
    return new CoatcheckPeer(new SessionEngine({ storage: coatcheckStorage(storage), threads, ...seal }))
  }

  open(): Promise<void> {
    return this.#engine.ready()
  }

  save(key: string, session: BenchSession): Promise<void> {
    return this.#engine.save(key, session)
  }

  create(key: string, session: BenchSession): Promise<void> {
    return this.#engine.create(key, session)
  }

  load(key: string): Promise<BenchSession | undefined> {
    return this.#engine.load(key)
  }

  touch(key: string): Promise<boolean> {
    return this.#engine.touch(key)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  coalesced(): number {
    return this.#engine.stats().coalesced
  }
}
