import { SessionEngine } from 'coatcheck'
import type { Contestant, RoundResult, RoundSettings } from '../harness/contestant.js'
import { StoreContestant } from '../harness/store-contestant.js'
import { CoatcheckPeer } from '../peers/coatcheck.js'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import type { BenchSession } from '../workloads/session.js'
import { HOT_SAVES } from '../workloads/workload.js'
import { wholeRound } from './whole-round.js'

/** What is measured of a sweep. */
export interface SweepOptions {
  readonly directory: string
  /** `alone`: the sweep. `saves`: saves without one, `beside`: saves while one goes on. */
  readonly what: 'alone' | 'saves' | 'beside'
}

/** A sweep of a tree in which nothing has expired; or what saves are like beside it. */
export class SweepContestant implements Contestant {
  readonly #options: SweepOptions
  readonly #engine: SessionEngine<BenchSession>
  readonly #saves: StoreContestant

  constructor(options: SweepOptions) {
    this.#options = options
    const { directory } = options
    this.#engine = new SessionEngine({ storage: coatcheckStorage({ directory }), sweepInterval: false })
    this.#saves = new StoreContestant(new CoatcheckPeer(this.#engine), HOT_SAVES)
  }

  open(): Promise<void> {
    return this.#engine.ready()
  }

  async round(settings: RoundSettings): Promise<RoundResult> {
    if (this.#options.what === 'alone') return wholeRound(() => this.#sweep())
    if (this.#options.what === 'saves') return this.#saves.round(settings)
    const abort = new AbortController()
    // It goes on for longer than the round, or begins anew.
    const sweeping = this.#sweepUntil(abort.signal)
    try {
      return await this.#saves.round(settings)
    } finally {
      abort.abort()
      await sweeping
    }
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  async #sweep(): Promise<number> {
    const { scanned } = await this.#engine.clearExpired()
    return scanned
  }

  async #sweepUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#engine.clearExpired({ signal })
      } catch (error) {
        if (!signal.aborted) throw error
      }
    }
  }
}
