import type { LatencySummary } from './histogram.js'

/** How long a round takes and who takes part. */
export interface RoundSettings {
  /** Seconds of load before the measured part of a round. */
  readonly leadIn: number
  readonly seconds: number
  /** Callers in a closed loop: each issues its next operation when the one before is done. */
  readonly callers: number
  /** Operations issued a second, in an open loop, instead of callers. */
  readonly perSecond?: number
  /**
   * Between two operations of an open loop: `spin`, and each is issued when it is due, so latencies are exact; or `sleep` for a
   * millisecond, so what the event loop was busy for is what operations took. Default `spin`.
   */
  readonly between?: 'spin' | 'sleep'
}

/** What one contestant did in one round. */
export interface RoundResult extends LatencySummary {
  /** Saves, or whatever is measured; requests to a server. */
  readonly perSecond: number
  /** Microseconds of event-loop active time of the main thread per operation. */
  readonly loopMicroseconds: number | undefined
  /** How late the event loop was in one of a hundred looks; where there is one under load. */
  readonly loopDelayMilliseconds: number | undefined
  /** Microseconds of processor time of the main thread per operation; where the system tells it. */
  readonly mainThreadMicroseconds: number | undefined
  /** Microseconds of processor time of the whole process per operation. */
  readonly processMicroseconds: number | undefined
  /** The same of a server that does the storing. */
  readonly serverMicroseconds: number | undefined
  /** Bytes per operation that went to a disk, the server's included: whole pages; where the system tells it. */
  readonly bytesWritten: number | undefined
  /** Of the process, so far. */
  readonly peakMemoryBytes: number | undefined
  /** Share of operations that shared another one's write. */
  readonly coalescedShare: number | undefined
}

/** Somebody who can be told to run a round. */
export interface Contestant {
  open(): Promise<void>
  round(settings: RoundSettings): Promise<RoundResult>
  close(): Promise<void>
}
