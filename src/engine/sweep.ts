import type { CorruptNotice } from '../../workers/protocol/index.js'
import type { SweepResult } from './statistics.js'
import type { Walker } from './walker.js'

/** Options of `clearExpired`. */
export interface ClearExpiredOptions {
  /** Called after each slice, a few milliseconds of work, with the counts so far. */
  onProgress?: (progress: SweepResult) => void
  /** Ends the sweep after the slice under way; `clearExpired` rejects with its reason. */
  signal?: AbortSignal
  /**
   * Whether live sessions are sealed anew that the newest of `seal.keys` has not sealed, those that are not sealed at all
   * included where `acceptUnsealed` says so. What others store or delete meanwhile stands. Default `false`.
   */
  reseal?: boolean
}

/**
 * One sweep: removes expired sessions and what crashes left behind, and seals anew if it is asked to.
 *
 * @param needless The storage removes what has expired by itself.
 */
export async function sweep(
  walker: Walker,
  options: ClearExpiredOptions,
  onCorrupt: (notice: CorruptNotice) => void,
  needless: boolean,
): Promise<SweepResult> {
  const nothing = { scanned: 0, expired: 0, orphans: 0, corrupt: 0, resealed: 0, refused: 0 }
  let result: SweepResult = { ...nothing, unneeded: needless && options.reseal !== true }
  options.signal?.throwIfAborted()
  for await (const slice of walker.walk(options.reseal === true ? 'reseal' : 'sweep')) {
    result = {
      ...result,
      scanned: result.scanned + slice.scanned,
      expired: result.expired + slice.expired,
      orphans: result.orphans + slice.orphans,
      corrupt: result.corrupt + slice.corrupt.length,
      resealed: result.resealed + slice.resealed,
      refused: result.refused + slice.refused.length,
    }
    for (const notice of [...slice.corrupt, ...slice.refused]) onCorrupt(notice)
    options.onProgress?.(result)
    options.signal?.throwIfAborted()
  }
  return result
}

/** Sweeps at an interval, one sweep at a time, without keeping the process alive. */
export class SweepSchedule {
  readonly #timer: NodeJS.Timeout
  #running = false

  constructor(intervalSeconds: number, run: () => Promise<void>) {
    this.#timer = setInterval(() => {
      if (this.#running) return
      this.#running = true
      void run().finally(() => {
        this.#running = false
      })
    }, intervalSeconds * 1000)
    this.#timer.unref()
  }

  /** No more sweeps. */
  stop(): void {
    clearInterval(this.#timer)
  }
}
