import { mkdirSync } from 'node:fs'
import type { Cleanup } from './cleanup.js'
import type { RoundResult, RoundSettings } from './contestant.js'
import { ContestantProcess } from './contestant-process.js'
import { diskAtRest } from './disk-rest.js'
import { type ContestantDescription, directoryOf } from './open-contestant.js'
import { timeFixedWork } from './processor-speed.js'
import type { Progress } from './progress.js'

/** One line of the comparison. */
export interface Entry {
  /** Short and unique, for `--only` and the JSON output: `journal@disk`. */
  readonly id: string
  readonly label: string
  readonly description: ContestantDescription
  /** Where those of the comparison are not the same for all. */
  readonly settings?: Partial<Pick<RoundSettings, 'callers' | 'perSecond' | 'between'>>
}

/** An entry and what it did, round by round. */
export interface EntryResults<Kind extends Entry = Entry> {
  readonly entry: Kind
  readonly rounds: readonly RoundResult[]
}

/** Settings of a whole comparison. */
export interface InterleaveSettings extends RoundSettings {
  readonly rounds: number
  /**
   * Seconds of the round that does not count: a store that does ten thousand saves a second needs several of them until V8 has
   * compiled what it runs through, as a server that has run for a minute has long done.
   */
  readonly warmUp: number
}

/** What a comparison leaves behind, and whom it tells. */
export interface Surroundings {
  readonly cleanup: Cleanup
  readonly progress: Progress
  /** Milliseconds that a fixed piece of work took before each round. */
  readonly speeds: number[]
}

/** How many steps a comparison tells its progress. */
export function stepsOf(entries: readonly Entry[], { rounds }: InterleaveSettings): number {
  return entries.length * (rounds + 1)
}

/**
 * Runs all entries in turn, round after round: A B C A B C. What disturbs the machine for a while then disturbs all
 * of them, and ratios within a round hold. Before the first round each has had a longer one that does not count; before
 * each, the disk has come to rest.
 */
export async function interleave<Kind extends Entry>(
  entries: readonly Kind[],
  settings: InterleaveSettings,
  { cleanup, progress, speeds }: Surroundings,
): Promise<EntryResults<Kind>[]> {
  const running: { entry: Kind; process: ContestantProcess; rounds: RoundResult[] }[] = []
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
    await child.round({ ...settings, ...entry.settings, seconds: settings.warmUp })
    progress.advance()
  }
  for (let round = 1; round <= settings.rounds; round++) {
    for (const { entry, process: child, rounds } of running) {
      progress.show(`round ${round} of ${settings.rounds}: ${entry.id}`)
      await diskAtRest()
      speeds.push(timeFixedWork())
      rounds.push(await child.round({ ...settings, ...entry.settings }))
      progress.advance()
    }
  }
  await Promise.all(running.map(({ process: child }) => child.stop()))
  return running
}
