/** What is left of a soak at a moment at which nothing is under way, and all is in files. */
export interface Sample {
  readonly operations: number
  readonly milliseconds: number
  /** Resident memory of the process. */
  readonly rssBytes: number
  /** Of the main thread, after a collection. */
  readonly heapBytes: number
  readonly descriptors: number
  /** Temporary files, taken files and claims: before the sweep, those since the sweeps before it. */
  readonly litter: number
  /** And those that it has left. */
  readonly temporary: number
  /** Everything else in the session directories: sessions, tombstones. */
  readonly entries: number
  /** Bytes of the journal's files, the most since the last sample. */
  readonly journalBytes: number
  /** Workers that have died so far. */
  readonly deaths: number
  readonly pendingOperations: number
  readonly pendingBytes: number
}

/** How far a figure may rise; see {@link problemsOf}. */
export interface Bounds {
  readonly rssBytes: number
  readonly heapBytes: number
  readonly descriptors: number
  readonly temporary: number
  readonly entries: number
  /** Not a rise, as sweeps take it away: the most that each worker which has died since the last sample may have left. */
  readonly litterOfDeath: number
  /** Not a rise: the most there may be. */
  readonly journalBytes: number
}

const FLAT = ['rssBytes', 'heapBytes', 'descriptors', 'temporary', 'entries'] as const

/** How much higher the median of the last third is than that of the third before it; what comes first is warm-up. */
export function rise(values: readonly number[]): number {
  const third = Math.floor(values.length / 3)
  return median(values.slice(-third)) - median(values.slice(-2 * third, -third))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** What is not as it has to be, in words. */
export function problemsOf(samples: readonly Sample[], bounds: Bounds): string[] {
  const problems: string[] = []
  if (samples.length < 6) problems.push(`only ${samples.length} samples: nothing can be said`)
  for (const name of FLAT) {
    const risen = rise(samples.map((sample) => sample[name]))
    if (!(risen <= bounds[name])) problems.push(`${name} rose by ${risen}, more than ${bounds[name]}`)
  }
  let before = { deaths: 0, temporary: 0 }
  for (const sample of samples) {
    const { operations, litter, journalBytes, pendingBytes, pendingOperations } = sample
    const deaths = sample.deaths - before.deaths
    if (litter > before.temporary + deaths * bounds.litterOfDeath) {
      problems.push(`${litter} temporary files after ${deaths} deaths, before operation ${operations}`)
    }
    before = sample
    if (journalBytes > bounds.journalBytes) {
      problems.push(`the journal had ${journalBytes} bytes before operation ${operations}`)
    }
    if (pendingOperations !== 0 || pendingBytes !== 0) {
      problems.push(
        `${pendingOperations} operations, ${pendingBytes} bytes pending at operation ${operations}`,
      )
    }
  }
  if ((samples.at(-1)?.deaths ?? 0) === 0) problems.push('no worker has died')
  return problems
}
