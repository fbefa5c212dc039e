import { setTimeout as delay } from 'node:timers/promises'
import type { Peer } from '../peers/peer.js'
import { makeWorkload, type Workload } from '../workload.js'
import type { Contestant, RoundResult, RoundSettings } from './contestant.js'
import { LatencyHistogram } from './histogram.js'
import { UsageMeter } from './usage.js'

/**
 * Saves that each caller has in a round at the least, on average. Stores that settle in batches do so in bursts; a
 * round that is over after two of them tells little.
 */
const LEAST_SAVES = 4
/** Milliseconds after which a round ends all the same. */
const PATIENCE = 30_000

/** A store under the load of callers in a closed loop. */
export class ClosedLoop implements Contestant {
  readonly #peer: Peer
  readonly #histogram = new LatencyHistogram()
  #workload: Workload | undefined
  #running = false
  #measuring = false
  #saves = 0

  constructor(peer: Peer) {
    this.#peer = peer
  }

  open(): Promise<void> {
    return this.#peer.open()
  }

  async round({ leadIn, seconds, callers }: RoundSettings): Promise<RoundResult> {
    this.#workload ??= makeWorkload(callers)
    this.#running = true
    const workload = this.#workload
    const load = Promise.all(
      Array.from({ length: callers }, (_, caller) => this.#call(workload, caller, callers)),
    )
    try {
      const result = await Promise.race([
        this.#measure(leadIn, seconds, callers * LEAST_SAVES),
        load.then(endedEarly),
      ])
      this.#running = false
      await load
      return result
    } finally {
      this.#running = false
      this.#measuring = false
    }
  }

  close(): Promise<void> {
    return this.#peer.close()
  }

  /** Each caller has keys of its own, so that no two saves under way are of one session. */
  async #call({ keys, sessions }: Workload, caller: number, callers: number): Promise<void> {
    const peer = this.#peer
    let index = caller
    while (this.#running) {
      const key = keys[index]
      const session = sessions[index]
      if (key === undefined || session === undefined) throw new Error('more callers than keys')
      session.visits++
      const startedAt = performance.now()
      await peer.save(key, session)
      if (this.#measuring) {
        this.#saves++
        this.#histogram.record(performance.now() - startedAt)
      }
      index += callers
      if (index >= keys.length) index = caller
    }
  }

  async #measure(leadIn: number, seconds: number, leastSaves: number): Promise<RoundResult> {
    await delay(leadIn * 1000)
    const serverBefore = await this.#peer.serverCpu?.()
    this.#saves = 0
    this.#histogram.reset()
    const coalescedBefore = this.#peer.coalesced?.()
    const meter = new UsageMeter()
    this.#measuring = true
    const patience = performance.now() + PATIENCE
    await delay(seconds * 1000)
    while (this.#saves < leastSaves && performance.now() < patience) await delay(10)
    this.#measuring = false
    const usage = meter.read()
    const saves = this.#saves
    const coalesced = this.#peer.coalesced?.()
    const serverAfter = await this.#peer.serverCpu?.()
    if (saves === 0) throw new Error('no save was settled in a whole round')
    return {
      savesPerSecond: saves / usage.seconds,
      loopMicroseconds: usage.loopMicroseconds / saves,
      mainThreadMicroseconds: per(usage.mainThreadMicroseconds, saves),
      processMicroseconds: usage.processMicroseconds / saves,
      serverMicroseconds: per(between(serverBefore, serverAfter), saves),
      p50Milliseconds: this.#histogram.percentile(50),
      p99Milliseconds: this.#histogram.percentile(99),
      coalescedShare: per(between(coalescedBefore, coalesced), saves),
    }
  }
}

function endedEarly(): never {
  throw new Error('the callers ended before the round')
}

function between(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before
}

function per(amount: number | undefined, saves: number): number | undefined {
  return amount === undefined ? undefined : amount / saves
}
