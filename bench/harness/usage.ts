import { readFileSync } from 'node:fs'
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { between } from './differences.js'

const MAIN_THREAD = `/proc/self/task/${process.pid}/schedstat`

/** What the process and its main thread have used up between two moments. */
export interface Usage {
  readonly seconds: number
  readonly loopMicroseconds: number
  readonly mainThreadMicroseconds: number | undefined
  readonly processMicroseconds: number
  readonly bytesWritten: number | undefined
  /** Since the process began. */
  readonly peakMemoryBytes: number
}

/** What a server has used up since it began. */
export interface ServerUsage {
  readonly cpuMicroseconds: number
  readonly bytesWritten: number | undefined
}

/** Begins to watch when it is made. */
export class UsageMeter {
  readonly #startedAt: number
  readonly #loop: EventLoopUtilization
  readonly #mainThread: number | undefined
  readonly #written: number | undefined
  readonly #cpu: NodeJS.CpuUsage

  constructor() {
    this.#startedAt = performance.now()
    this.#written = bytesWrittenBy('self')
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
      mainThreadMicroseconds: between(this.#mainThread, mainThread),
      processMicroseconds: cpu.user + cpu.system,
      bytesWritten: between(this.#written, bytesWrittenBy('self')),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    }
  }
}

/**
 * Bytes of a process, its threads included, that went or will go to a disk: whole pages, when they are first changed, so what
 * is in a tmpfs does not count. Linux only.
 */
export function bytesWrittenBy(process: number | 'self'): number | undefined {
  try {
    const found = /^write_bytes: ([0-9]+)$/m.exec(readFileSync(`/proc/${process}/io`, 'latin1'))
    return found === null ? undefined : Number(found[1])
  } catch {
    return undefined
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
