import { readFileSync } from 'node:fs'
import { type EventLoopUtilization, performance } from 'node:perf_hooks'

const MAIN_THREAD = `/proc/self/task/${process.pid}/schedstat`

/** What the process and its main thread have used up between two moments. */
export interface Usage {
  readonly seconds: number
  readonly loopMicroseconds: number
  readonly mainThreadMicroseconds: number | undefined
  readonly processMicroseconds: number
}

/** Begins to watch when it is made. */
export class UsageMeter {
  readonly #startedAt: number
  readonly #loop: EventLoopUtilization
  readonly #mainThread: number | undefined
  readonly #cpu: NodeJS.CpuUsage

  constructor() {
    this.#startedAt = performance.now()
    this.#loop = performance.eventLoopUtilization()
    this.#mainThread = mainThreadMicroseconds()
    this.#cpu = process.cpuUsage()
  }

  /** What was used since then. */
  read(): Usage {
    const cpu = process.cpuUsage(this.#cpu)
    const mainThread = mainThreadMicroseconds()
    const loop = performance.eventLoopUtilization(this.#loop)
    return {
      seconds: (performance.now() - this.#startedAt) / 1000,
      loopMicroseconds: loop.active * 1000,
      mainThreadMicroseconds:
        mainThread === undefined || this.#mainThread === undefined
          ? undefined
          : mainThread - this.#mainThread,
      processMicroseconds: cpu.user + cpu.system,
    }
  }
}

/** Linux only; its first figure is the nanoseconds that the thread ran. Waiting for a processor is not in it. */
function mainThreadMicroseconds(): number | undefined {
  try {
    return Number(readFileSync(MAIN_THREAD, 'latin1').split(' ')[0]) / 1000
  } catch {
    return undefined
  }
}
