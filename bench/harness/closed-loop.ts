import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Peer } from '../peers/peer.js'
import { HOT_SAVES, type LoopOptions, makeWorkload, type Workload } from '../workload.js'
import type { Contestant, RoundResult, RoundSettings } from './contestant.js'
import { LatencyHistogram } from './histogram.js'
import { between, per, rates } from './rates.js'
import { UsageMeter } from './usage.js'

/**
 * Operations that each caller has in a round at the least, on average. Stores that settle in batches do so in bursts; a
 * round that is over after two of them tells little.
 */
const LEAST_OPERATIONS = 4
/** Milliseconds after which a round ends all the same. */
const PATIENCE = 30_000
/**
 * Loads after which a caller waits for the next turn of the event loop. Those that are answered from memory, without
 * one, would never let the clock of the round have its turn.
 */
const LOADS_WITHOUT_TURN = 16

/** A store under the load of callers in a closed loop. */
export class ClosedLoop implements Contestant {
  readonly #peer: Peer
  readonly #options: LoopOptions
  readonly #histogram = new LatencyHistogram()
  #workload: Workload | undefined
  #running = false
  #measuring = false
  #done = 0

  constructor(peer: Peer, options: LoopOptions = HOT_SAVES) {
    this.#peer = peer
    this.#options = options
  }

  open(): Promise<void> {
    return this.#peer.open()
  }

  async round({ leadIn, seconds, callers }: RoundSettings): Promise<RoundResult> {
    const workload = this.#workload ?? (await this.#prepare(callers))
    this.#workload = workload
    this.#running = true
    const call = this.#options.operation === 'save' ? this.#save : this.#load
    const load = Promise.all(
      Array.from({ length: callers }, (_, caller) => call.call(this, workload, caller, callers)),
    )
    try {
      const result = await Promise.race([
        this.#measure(leadIn, seconds, callers * LEAST_OPERATIONS),
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

  /** What is to be loaded has to be there; what is saved may be new. */
  async #prepare(callers: number): Promise<Workload> {
    const { sessions: count, operation } = this.#options
    const workload = makeWorkload(callers, count)
    if (operation === 'load') {
      const { keys, sessions } = workload
      await Promise.all(sessions.map((session, index) => this.#peer.save(keys[index] ?? '', session)))
    }
    return workload
  }

  /** Each caller has keys of its own, so that no two saves under way are of one session. */
  async #save({ keys, sessions }: Workload, caller: number, callers: number): Promise<void> {
    const peer = this.#peer
    let index = caller
    while (this.#running) {
      const key = keys[index]
      const session = sessions[index]
      if (key === undefined || session === undefined) throw new Error('more callers than keys')
      session.visits++
      const startedAt = performance.now()
      await peer.save(key, session)
      this.#count(startedAt)
      index += callers
      if (index >= keys.length) index = caller
    }
  }

  async #load({ keys, sessions }: Workload, caller: number, callers: number): Promise<void> {
    const peer = this.#peer
    if (peer.load === undefined) throw new Error('loads of this store are not measured')
    let index = caller
    for (let loads = 1; this.#running; loads++) {
      const key = keys[index] ?? ''
      const startedAt = performance.now()
      const session = await peer.load(key)
      this.#count(startedAt)
      // A store that loses sessions would be fast.
      if (session?.visits !== sessions[index]?.visits) throw new Error('a session was not what was saved')
      if (loads % LOADS_WITHOUT_TURN === 0) await nextTurn()
      index += callers
      if (index >= keys.length) index = caller
    }
  }

  #count(startedAt: number): void {
    if (!this.#measuring) return
    this.#done++
    this.#histogram.record(performance.now() - startedAt)
  }

  async #measure(leadIn: number, seconds: number, least: number): Promise<RoundResult> {
    await delay(leadIn * 1000)
    const serverBefore = await this.#peer.serverCpu?.()
    this.#done = 0
    this.#histogram.reset()
    const coalescedBefore = this.#peer.coalesced?.()
    const meter = new UsageMeter()
    this.#measuring = true
    const patience = performance.now() + PATIENCE
    await delay(seconds * 1000)
    while (this.#done < least && performance.now() < patience) await delay(10)
    this.#measuring = false
    const usage = meter.read()
    const done = this.#done
    const coalesced = this.#peer.coalesced?.()
    const serverAfter = await this.#peer.serverCpu?.()
    return {
      ...rates({ operations: done, usage, server: [serverBefore, serverAfter] }),
      p50Milliseconds: this.#histogram.percentile(50),
      p99Milliseconds: this.#histogram.percentile(99),
      coalescedShare: per(between(coalescedBefore, coalesced), done),
    }
  }
}

function endedEarly(): never {
  throw new Error('the callers ended before the round')
}
