import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Contestant, RoundResult, RoundSettings } from '../harness/contestant.js'
import { between, per } from '../harness/differences.js'
import { LatencyHistogram } from '../harness/histogram.js'
import { bytesWrittenBy } from '../harness/usage.js'
import { HOT_SAVES, makeWorkload, type WorkloadDescription } from '../workloads/workload.js'
import { findDjango } from './python.js'

/** Options of {@link DjangoContestant}. */
export interface DjangoOptions {
  readonly directory: string
  /** Only saves, or requests. */
  readonly workload?: WorkloadDescription
}

/** From the folder of what tsc has made back to that of the sources. */
const PROGRAM = fileURLToPath(new URL('../../../bench/django/driver.py', import.meta.url))

interface Round {
  readonly taken: readonly number[]
  readonly seconds: number
  readonly cpuMicroseconds: number
  readonly peakMemoryBytes: number
}

/** Django's file backend in a process of Python: one operation after the other, as one of its workers does. */
export class DjangoContestant implements Contestant {
  readonly #options: DjangoOptions
  #child: ChildProcessWithoutNullStreams | undefined
  #lines: AsyncIterator<string> | undefined

  constructor(options: DjangoOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { directory, workload = HOT_SAVES } = this.#options
    const { sessions: count, operation, bytes } = workload
    const { keys, sessions } = makeWorkload(0, count, bytes)
    const child = spawn(findDjango()?.python ?? 'python3', [PROGRAM])
    process.once('exit', () => child.kill('SIGKILL'))
    child.stderr.pipe(process.stderr)
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    await this.#next()
    await this.#ask({ open: { directory, keys, sessions, operation } })
  }

  async round({ leadIn, seconds }: RoundSettings): Promise<RoundResult> {
    const before = this.#written()
    const round = (await this.#ask({ round: { leadIn, seconds } })) as Round
    const histogram = new LatencyHistogram()
    for (const microseconds of round.taken) histogram.record(microseconds / 1000)
    const operations = round.taken.length
    const share = round.seconds / (round.seconds + leadIn)
    const written = between(before, this.#written())
    return {
      ...histogram.summary(),
      perSecond: operations / round.seconds,
      loopMicroseconds: undefined,
      loopDelayMilliseconds: undefined,
      mainThreadMicroseconds: undefined,
      processMicroseconds: round.cpuMicroseconds / operations,
      serverMicroseconds: undefined,
      // Counted during the lead-in as well, at the same pace.
      bytesWritten: per(written === undefined ? undefined : written * share, operations),
      peakMemoryBytes: round.peakMemoryBytes,
      coalescedShare: undefined,
    }
  }

  async close(): Promise<void> {
    if (this.#child === undefined) return
    const ended = once(this.#child, 'close')
    this.#child.stdin.end()
    await ended
  }

  #written(): number | undefined {
    return this.#child?.pid === undefined ? undefined : bytesWrittenBy(this.#child.pid)
  }

  async #ask(request: object): Promise<unknown> {
    this.#child?.stdin.write(`${JSON.stringify(request)}\n`)
    return this.#next()
  }

  async #next(): Promise<unknown> {
    const line = await this.#lines?.next()
    if (line === undefined || line.done === true) throw new Error('the process of Django has ended')
    return JSON.parse(line.value)
  }
}
