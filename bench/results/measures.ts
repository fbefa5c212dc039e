import type { RoundResult } from '../harness/contestant.js'

/** What is measured, and how it is told. */
export interface Measure {
  /** At the head of a column. */
  readonly title: string
  /** In words, with its unit. */
  readonly meaning: string
  readonly better: 'more' | 'less'
  /** Whether a table shows how far the rounds lie apart, and not only their middle. */
  readonly spread: boolean
  /** Left out at a terminal, where tables have to be narrow. */
  readonly detail?: true
}

/** Everything that may be measured. */
export const MEASURES = {
  perSecond: { title: 'a second', meaning: 'operations a second', better: 'more', spread: true },
  loopMicroseconds: {
    title: 'loop µs',
    meaning: 'event-loop active time of the main thread per operation, in microseconds',
    better: 'less',
    spread: true,
  },
  loopBusy: {
    title: 'loop busy %',
    meaning: 'share of the time that the event loop was busy, in per cent',
    better: 'less',
    spread: false,
  },
  loopDelayMilliseconds: {
    title: 'loop late ms',
    meaning: 'how late the event loop was in one of a hundred looks, in milliseconds',
    better: 'less',
    spread: false,
    detail: true,
  },
  mainThreadMicroseconds: {
    title: 'main CPU µs',
    meaning: 'processor time of the main thread per operation, in microseconds',
    better: 'less',
    spread: false,
    detail: true,
  },
  processMicroseconds: {
    title: 'CPU µs',
    meaning: 'processor time of the whole process per operation, in microseconds',
    better: 'less',
    spread: false,
  },
  serverMicroseconds: {
    title: 'server CPU µs',
    meaning: 'the same of the server that does the storing',
    better: 'less',
    spread: false,
  },
  p50Milliseconds: {
    title: 'p50 ms',
    meaning: 'milliseconds that half of the operations stay below',
    better: 'less',
    spread: false,
    detail: true,
  },
  p99Milliseconds: {
    title: 'p99 ms',
    meaning: 'milliseconds that 99 of 100 operations stay below',
    better: 'less',
    spread: false,
  },
  p999Milliseconds: {
    title: 'p99.9 ms',
    meaning: 'milliseconds that 999 of 1000 operations stay below',
    better: 'less',
    spread: false,
  },
  maxMilliseconds: {
    title: 'max ms',
    meaning: 'milliseconds of the longest operation',
    better: 'less',
    spread: false,
    detail: true,
  },
  bytesWritten: {
    title: 'disk bytes',
    meaning: 'bytes per operation that went to the disk, in whole pages',
    better: 'less',
    spread: false,
  },
  peakMemoryMebibytes: {
    title: 'peak MiB',
    meaning: 'the most memory that the process has had',
    better: 'less',
    spread: false,
    detail: true,
  },
  microseconds: { title: 'µs each', meaning: 'microseconds each', better: 'less', spread: true },
  bytesGiven: {
    title: 'bytes',
    meaning: 'bytes given to write calls per save',
    better: 'less',
    spread: false,
  },
  writes: { title: 'writes', meaning: 'write calls per save', better: 'less', spread: false },
  filesCreated: { title: 'files made', meaning: 'files created per save', better: 'less', spread: false },
  renames: { title: 'renames', meaning: 'renames per save', better: 'less', spread: false },
  syncs: { title: 'syncs', meaning: 'fsync and fdatasync calls per save', better: 'less', spread: false },
  calls: {
    title: 'file calls',
    meaning: 'system calls on files per save, all of them',
    better: 'less',
    spread: false,
  },
} as const satisfies Record<string, Measure>

/** The name of one of them. */
export type MeasureName = keyof typeof MEASURES

/** What each round told, by name; where a round could not tell, there is nothing. */
export type Figures = Partial<Record<MeasureName, readonly number[]>>

/** The figures of the rounds of one contestant. */
export function figuresOf(rounds: readonly RoundResult[]): Figures {
  const all: Record<string, readonly number[]> = {}
  const take = (name: MeasureName, of: (round: RoundResult) => number | undefined): void => {
    const figures = rounds.map(of).filter((value) => value !== undefined)
    if (figures.length > 0) all[name] = figures
  }
  take('perSecond', (round) => round.perSecond)
  take('loopMicroseconds', (round) => round.loopMicroseconds)
  take('loopBusy', ({ loopMicroseconds, perSecond }) =>
    loopMicroseconds === undefined ? undefined : (loopMicroseconds * perSecond) / 1e4,
  )
  take('loopDelayMilliseconds', (round) => round.loopDelayMilliseconds)
  take('mainThreadMicroseconds', (round) => round.mainThreadMicroseconds)
  take('processMicroseconds', (round) => round.processMicroseconds)
  take('serverMicroseconds', (round) => round.serverMicroseconds)
  take('p50Milliseconds', (round) => round.p50Milliseconds)
  take('p99Milliseconds', (round) => round.p99Milliseconds)
  take('p999Milliseconds', (round) => round.p999Milliseconds)
  take('maxMilliseconds', (round) => round.maxMilliseconds)
  take('bytesWritten', (round) => round.bytesWritten)
  take('peakMemoryMebibytes', ({ peakMemoryBytes }) =>
    peakMemoryBytes === undefined ? undefined : peakMemoryBytes / 2 ** 20,
  )
  return all
}
