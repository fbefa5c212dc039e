import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { msgpack } from 'coatcheck'
import type { Contestant, RoundResult, RoundSettings } from '../harness/contestant.js'
import { between, per } from '../harness/differences.js'
import { LatencyHistogram } from '../harness/histogram.js'
import { bytesWrittenBy } from '../harness/usage.js'
import { makeWorkload } from '../workloads/workload.js'
import type { RawRoundRequest, RawRoundResult, RawThreadOptions } from './messages.js'
import type { RawProtocol } from './protocols.js'

/** Options of {@link RawFloor}. */
export interface RawFloorOptions {
  readonly directory: string
  readonly threads: number
  readonly protocol: RawProtocol
}

/**
 * The floor: what the file system takes for the calls of a save, made synchronously by as many threads as ours
 * have, each on its own files in its own directory, with a buffer made in advance. No promises, no keys, no encoding.
 */
export class RawFloor implements Contestant {
  readonly #options: RawFloorOptions
  readonly #threads: Worker[] = []

  constructor(options: RawFloorOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { directory, threads, protocol } = this.#options
    const { keys, sessions } = makeWorkload(0)
    const bytes = Uint8Array.from(msgpack().encode(sessions[0] ?? {}))
    for (let thread = 0; thread < threads; thread++) {
      const names = keys.filter((_, index) => index % threads === thread)
      const options: RawThreadOptions = { directory: `${directory}/${thread}`, protocol, names, bytes }
      this.#threads.push(new Worker(new URL('./thread.js', import.meta.url), { workerData: options }))
    }
    await Promise.all(this.#threads.map((thread) => once(thread, 'message')))
  }

  async round({ leadIn, seconds }: RoundSettings): Promise<RoundResult> {
    const cpuBefore = process.cpuUsage()
    const writtenBefore = bytesWrittenBy('self')
    const startedAt = performance.now()
    const results = await Promise.all(this.#threads.map((thread) => runThread(thread, { leadIn, seconds })))
    const elapsed = (performance.now() - startedAt) / 1000
    const cpu = process.cpuUsage(cpuBefore)
    const histogram = new LatencyHistogram()
    let perSecond = 0
    for (const result of results) {
      perSecond += result.saves / result.seconds
      histogram.add(result.histogram)
    }
    return {
      ...histogram.summary(),
      perSecond,
      loopMicroseconds: undefined,
      loopDelayMilliseconds: undefined,
      mainThreadMicroseconds: undefined,
      // The clock of the process also ran during the lead-in, at the same pace.
      processMicroseconds: (cpu.user + cpu.system) / (perSecond * elapsed),
      serverMicroseconds: undefined,
      bytesWritten: per(between(writtenBefore, bytesWrittenBy('self')), perSecond * elapsed),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      coalescedShare: undefined,
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }
}

async function runThread(thread: Worker, request: RawRoundRequest): Promise<RawRoundResult> {
  // An 'error' of the thread rejects this promise, too.
  const answer = once(thread, 'message')
  thread.postMessage(request)
  const [result] = (await answer) as [RawRoundResult]
  return result
}
