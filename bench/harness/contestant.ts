/** How long a round takes and who takes part. */
export interface RoundSettings {
  /** Seconds of load before the measured part of a round. */
  readonly leadIn: number
  readonly seconds: number
  /** Callers in a closed loop: each issues its next save when the one before is stored. */
  readonly callers: number
}

/** What one contestant did in one round. */
export interface RoundResult {
  readonly savesPerSecond: number
  /** Microseconds of event-loop active time of the main thread per save. */
  readonly loopMicroseconds: number | undefined
  /** Microseconds of processor time of the main thread per save; where the system tells it. */
  readonly mainThreadMicroseconds: number | undefined
  /** Microseconds of processor time of the whole process per save. */
  readonly processMicroseconds: number
  /** The same of a server that does the storing. */
  readonly serverMicroseconds: number | undefined
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
  /** Share of saves that shared another one's write. */
  readonly coalescedShare: number | undefined
}

/** Somebody who can be told to run a round. */
export interface Contestant {
  open(): Promise<void>
  round(settings: RoundSettings): Promise<RoundResult>
  close(): Promise<void>
}
