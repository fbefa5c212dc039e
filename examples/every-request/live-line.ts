import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { SessionEngine } from 'coatcheck'
import { createLogUpdate } from 'log-update'

/** What changes from one line to the next. */
interface Counts {
  readonly at: number
  readonly requests: number
  readonly saves: number
}

const DELAY_RESOLUTION = 5
const INTERVAL = { terminal: 200, plain: 1000 }

/** Shows what app and engine are doing: one line that changes on a terminal, a line a second elsewhere. */
export class LiveLine {
  readonly #engine: SessionEngine<object>
  readonly #requests: () => number
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION })
  readonly #log: ReturnType<typeof createLogUpdate> | undefined
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  /** Counts of the last second, oldest first. */
  #window: Counts[]

  /** @param requests how many requests the app was given so far */
  constructor(engine: SessionEngine<object>, requests: () => number) {
    this.#engine = engine
    this.#requests = requests
    this.#log = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined
    this.#window = [this.#count()]
    this.#delay.enable()
    this.#timer = setInterval(
      () => this.#show(),
      this.#log === undefined ? INTERVAL.plain : INTERVAL.terminal,
    )
  }

  /** Leaves the last line as it is. */
  stop(): void {
    clearInterval(this.#timer)
    this.#delay.disable()
    this.#log?.done()
  }

  #show(): void {
    const now = this.#count()
    const [since = now] = this.#window
    const seconds = (now.at - since.at) / 1000
    const rate = (name: 'requests' | 'saves') => Math.round((now[name] - since[name]) / seconds)
    const { pending, latency } = this.#engine.stats()
    const line = [
      `${Math.round((now.at - this.#startedAt) / 1000)} s`.padStart(5),
      `${rate('requests')} requests/s`.padStart(16),
      `${rate('saves')} saves/s`.padStart(13),
      `${pending.operations} pending`.padStart(12),
      `p99 ${latency.p99.toFixed(1)} ms`.padStart(13),
      `event loop delay ${this.#delayed(this.#delay.mean)} ms (p99 ${this.#delayed(this.#delay.percentile(99))})`,
    ].join('  ')
    if (this.#log === undefined) console.log(line)
    else this.#log(line)
    this.#window = [...this.#window.filter(({ at }) => at > now.at - 1000), now]
  }

  #count(): Counts {
    return { at: performance.now(), requests: this.#requests(), saves: this.#engine.stats().written }
  }

  /** The histogram holds the time between two ticks; what is above their distance is the delay. */
  #delayed(nanoseconds: number): string {
    return Math.max(0, nanoseconds / 1e6 - DELAY_RESOLUTION).toFixed(1)
  }
}
