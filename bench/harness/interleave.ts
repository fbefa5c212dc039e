import { mkdirSync } from 'node:fs'
import type { Cleanup } from './cleanup.js'
import type { RoundResult, RoundSettings } from './contestant.js'
import { ContestantProcess } from './contestant-process.js'
import { diskAtRest } from './disk-rest.js'
import { type ContestantDescription, directoryOf } from './open-contestant.js'
import { describeSpeeds, timeFixedWork } from './processor-speed.js'
import type { Progress } from './progress.js'

/** One line of the comparison. */
export interface Entry {
  /** Short and unique, for `--only` and the JSON output: `coatcheck-2@tmpfs`. */
  readonly id: string
  readonly label: string
  /** `undefined` for what stores nothing in files. */
  readonly place: string | undefined
  readonly description: ContestantDescription
}

/** An entry and what it did, round by round. */
export interface EntryResults {
  readonly entry: Entry
  readonly rounds: readonly RoundResult[]
}

/**
 * So many rounds long is the one that does not count: a store that does ten thousand saves a second needs several
 * seconds until V8 has compiled what it runs through, as a server that has run for a minute has long done.
 */
export const WARM_UP_ROUNDS = 4

/** Settings of a whole comparison. */
export interface InterleaveSettings extends RoundSettings {
  readonly rounds: number
}

/**
 * Runs all entries in turn, round after round: A B C A B C. What disturbs the machine for a while then disturbs all
 * of them, and ratios within a round hold. Before the first round each has had a longer one that does not count; before
 * each, the disk has come to rest.
 */
export async function interleave(
  entries: readonly Entry[],
  settings: InterleaveSettings,
  cleanup: Cleanup,
  progress: Progress,
): Promise<EntryResults[]> {
  const running: { entry: Entry; process: ContestantProcess; rounds: RoundResult[] }[] = []
  for (const entry of entries) {
    progress.show(`starting ${entry.id}`)
    const child = new ContestantProcess(entry.id)
    cleanup.add(() => child.stop())
    const directory = directoryOf(entry.description)
    if (directory !== undefined) mkdirSync(directory, { recursive: true, mode: 0o700 })
    await child.open(entry.description)
    running.push({ entry, process: child, rounds: [] })
  }
  for (const { entry, process: child } of running) {
    progress.show(`warming up ${entry.id}`)
    await child.round({ ...settings, seconds: settings.seconds * WARM_UP_ROUNDS })
  }
  timeFixedWork()
  const speeds: number[] = []
  for (let round = 1; round <= settings.rounds; round++) {
    for (const { entry, process: child, rounds } of running) {
      progress.show(`round ${round} of ${settings.rounds}: ${entry.id}`)
      await diskAtRest()
      speeds.push(timeFixedWork())
      rounds.push(await child.round(settings))
    }
  }
  progress.done()
  const varied = describeSpeeds(speeds)
  if (varied !== undefined) console.log(varied)
  await Promise.all(running.map(({ process: child }) => child.stop()))
  return running
}
