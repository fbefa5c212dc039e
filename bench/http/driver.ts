import { drive } from '../../examples/every-request/load.js'
import type { Expectation } from '../../examples/every-request/visitor.js'
import { LatencyHistogram, type LatencySummary } from '../harness/histogram.js'

/*
 * The visitors of one server, in a process of their own, round after round: so the code that makes the load is compiled
 * when figures begin to count.
 */

/** What the process is asked, one thing at a time. */
export interface DriveRequest {
  readonly url: string
  readonly visitors: number
  readonly seconds: number
  /** Seconds at the beginning whose answers count in no figure. */
  readonly leadIn: number
}

/** What it answers. */
export type DriveAnswer =
  | {
      readonly expectations: readonly Expectation[]
      readonly failed: number
      readonly latency: LatencySummary
    }
  | { readonly reason: string }

async function answer({ leadIn, ...options }: DriveRequest): Promise<DriveAnswer> {
  const histogram = new LatencyHistogram()
  const from = performance.now() + leadIn * 1000
  const onAnswer = (milliseconds: number): void => {
    if (performance.now() >= from) histogram.record(milliseconds)
  }
  try {
    const { expectations, failed } = await drive({ ...options, onAnswer })
    return { expectations, failed, latency: histogram.summary() }
  } catch (error) {
    return { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', async (request: DriveRequest) => {
  const reply = await answer(request)
  if (process.connected) process.send?.(reply)
})
process.once('disconnect', () => process.exit())
// Ctrl-C reaches the whole group; the parent says when it is over.
process.on('SIGINT', () => undefined)
