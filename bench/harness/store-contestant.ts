import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Peer } from '../peers/peer.js'
import { makeOperation, needsSessions, type Operation } from '../workloads/operations.js'
import { picksFor } from '../workloads/pick.js'
import { HOT_SAVES, makeWorkload, type Workload, type WorkloadDescription } from '../workloads/workload.js'
import type { Contestant, RoundResult, RoundSettings } from './contestant.js'
import { between, per } from './differences.js'
import { LatencyHistogram } from './histogram.js'
import { closedLoop, type Load, openLoop } from './load.js'
import { rates } from './rates.js'
import { UsageMeter } from './usage.js'

/**
 * Operations that each caller has in a round at the least, on average. Stores that settle in batches do so in bursts; a
 * round that is over after two of them tells little.
 */
const LEAST_OPERATIONS = 4
/** Milliseconds after which a round ends all the same. */
const PATIENCE = 30_000
/** Sessions stored at a time before the first round. */
const STORED_AT_ONCE = 256
/** Milliseconds between looks at how late the event loop is. */
const LOOKS_EVERY = 5

/** An operation, and of how many sessions. */
interface Trial {
  readonly operation: Operation
  readonly sessions: number
}

/** A store under the load of a workload: callers in a closed loop or, where a rate is given, an open one. */
export class StoreContestant implements Contestant {
  readonly #peer: Peer
  readonly #description: WorkloadDescription
  readonly #histogram = new LatencyHistogram()
  /** Made once: what it knows, such as which keys are new, goes on from round to round. */
  #trial: Trial | undefined
  #measuring = false
  #done = 0

  constructor(peer: Peer, description: WorkloadDescription = HOT_SAVES) {
    this.#peer = peer
    this.#description = description
  }

  open(): Promise<void> {
    return this.#peer.open()
  }

  async round(settings: RoundSettings): Promise<RoundResult> {
    const { leadIn, seconds, callers, perSecond } = settings
    this.#trial ??= await this.#prepare(callers)
    const load = this.#begin(this.#trial, settings)
    const least = perSecond === undefined ? callers * LEAST_OPERATIONS : 1
    try {
      const result = await Promise.race([this.#measure(leadIn, seconds, least), load.ended.then(endedEarly)])
      load.stop()
      await load.ended
      return result
    } finally {
      load.stop()
      this.#measuring = false
    }
  }

  close(): Promise<void> {
    return this.#peer.close()
  }

  #begin({ operation, sessions }: Trial, { callers, perSecond, between = 'spin' }: RoundSettings): Load {
    const onDone = (milliseconds: number): void => this.#count(milliseconds)
    const picks = picksFor(this.#description, perSecond === undefined ? callers : 1, sessions)
    const [pick] = picks
    if (perSecond === undefined || pick === undefined) return closedLoop(operation, picks, onDone)
    return openLoop(operation, pick, { perSecond, between }, onDone)
  }

  /** What is to be loaded has to be there; what is saved may be new. */
  async #prepare(callers: number): Promise<Trial> {
    const { sessions: count, operation: name, bytes, stored = false } = this.#description
    const workload = makeWorkload(callers, count, bytes)
    if (!stored && needsSessions(name)) await this.#store(workload)
    const operation = makeOperation(name, this.#peer, workload)
    return { operation, sessions: workload.keys.length }
  }

  async #store({ keys, sessions }: Workload): Promise<void> {
    let next = 0
    const store = async (): Promise<void> => {
      for (let index = next++; index < keys.length; index = next++) {
        const session = sessions[index]
        if (session !== undefined) await this.#peer.save(keys[index] ?? '', session)
      }
    }
    await Promise.all(Array.from({ length: STORED_AT_ONCE }, store))
  }

  #count(milliseconds: number): void {
    if (!this.#measuring) return
    this.#done++
    this.#histogram.record(milliseconds)
  }

  async #measure(leadIn: number, seconds: number, least: number): Promise<RoundResult> {
    await delay(leadIn * 1000)
    const serverBefore = await this.#peer.serverUsage?.()
    this.#done = 0
    this.#histogram.reset()
    const coalescedBefore = this.#peer.coalesced?.()
    const lateness = monitorEventLoopDelay({ resolution: LOOKS_EVERY })
    const meter = new UsageMeter()
    lateness.enable()
    this.#measuring = true
    const patience = performance.now() + PATIENCE
    await delay(seconds * 1000)
    while (this.#done < least && performance.now() < patience) await delay(10)
    this.#measuring = false
    lateness.disable()
    const usage = meter.read()
    const done = this.#done
    const coalesced = this.#peer.coalesced?.()
    const serverAfter = await this.#peer.serverUsage?.()
    return {
      ...rates({ operations: done, usage, server: [serverBefore, serverAfter] }),
      ...this.#histogram.summary(),
      loopDelayMilliseconds: Math.max(0, lateness.percentile(99) / 1e6 - LOOKS_EVERY),
      coalescedShare: per(between(coalescedBefore, coalesced), done),
    }
  }
}

function endedEarly(): never {
  throw new Error('the callers ended before the round')
}
