/** How long a round takes and who takes part. */
export interface RoundSettings {
  /** Seconds of load before the measured part of a round. */
  readonly leadIn: number
  readonly seconds: number
  /** Callers in a closed loop: each issues its next operation when the one before is done. */
  readonly callers: number
}

/** What one contestant did in one round. */
export interface RoundResult {
  /** Saves; loads, where those are what is measured; requests to a server. */
  readonly perSecond: number
  /** Microseconds of event-loop active time of the main thread per operation. */
  readonly loopMicroseconds: number | undefined
  /** Microseconds of processor time of the main thread per operation; where the system tells it. */
  readonly mainThreadMicroseconds: number | undefined
  /** Microseconds of processor time of the whole process per operation. */
  readonly processMicroseconds: number
  /** The same of a server that does the storing. */
  readonly serverMicroseconds: number | undefined
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
  /** Share of operations that shared another one's write. */
  readonly coalescedShare: number | undefined
}

/** Somebody who can be told to run a round. */
export interface Contestant {
  open(): Promise<void>
  round(settings: RoundSettings): Promise<RoundResult>
  close(): Promise<void>
}
