import { writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { msgpack } from 'coatcheck'
import { type EntryResults, type InterleaveSettings, WARM_UP_ROUNDS } from '../harness/interleave.js'
import { describeLoad, describeMachine } from '../harness/machine.js'
import { describePlace, type Place } from '../harness/places.js'
import { resultsTable } from '../harness/results-table.js'
import { type Target, targetsTable, verdict } from '../harness/targets.js'
import { HOT_SAVES, KEYS, type LoopOptions, makeSession } from '../workload.js'

/** Options that every comparison takes from the command line. */
export interface ComparisonOptions {
  readonly rounds: number
  readonly seconds: number
  readonly callers: number
  readonly only: readonly string[]
  readonly quick: boolean
  readonly directory?: string
  readonly output?: string
}

/** Rounds and their length. `--quick` is for a look, not for figures. */
export function settingsOf({ rounds, seconds, callers, quick }: ComparisonOptions): InterleaveSettings {
  const measured = quick ? { rounds: 3, seconds: 0.5 } : { rounds, seconds }
  return { ...measured, callers, leadIn: measured.seconds / 5 }
}

/** Prints what is compared, where and how, before it begins. */
export function printConditions(places: readonly Place[], settings: InterleaveSettings): void {
  const session = makeSession(0)
  const keys = Math.max(KEYS, settings.callers)
  printMachine(places)
  console.log(
    `${keys} sessions of ${JSON.stringify(session).length} bytes as JSON, ${msgpack().encode(session).length} as ` +
      `MessagePack, changed before each save, where nothing else is said; ${settings.callers} callers in a closed loop, each with keys of its own.`,
  )
  console.log(
    `${settings.rounds} rounds of ${settings.seconds} s each, interleaved, after a warm-up of ` +
      `${settings.seconds * WARM_UP_ROUNDS} s; each round begins with ${settings.leadIn.toFixed(2)} s that do not count, and lasts until each caller has had four operations. Each contestant is a process of its own; before its rounds, the disk has written what others have left.`,
  )
}

/** Prints where it is measured, and whether others are at work there. */
export function printMachine(places: readonly Place[]): void {
  console.log(describeMachine())
  for (const place of places) console.log(describePlace(place))
  const load = describeLoad()
  if (load !== undefined) console.log(load)
}

/** Prints a table for each place, and one for those that need none. */
export function printResults(results: readonly EntryResults[], places: readonly Place[]): void {
  console.log(
    '\nMedians over the rounds, in brackets least and most. "loop": event-loop active time of the main thread.',
  )
  for (const place of places) {
    const here = results.filter(({ entry }) => entry.place === place.name)
    for (const [loop, group] of byLoop(here)) {
      const title = `${place.name} (${place.fileSystem.name})${describeLoop(loop)}`
      console.log(`\n${title}\n${resultsTable(group, `${loop.operation}s`)}`)
    }
  }
  const elsewhere = results.filter(({ entry }) => entry.place === undefined)
  if (elsewhere.length > 0) console.log(`\nin memory\n${resultsTable(elsewhere, 'saves')}`)
  for (const { entry, rounds } of results) {
    const share = Math.max(0, ...rounds.map((round) => round.coalescedShare ?? 0))
    if (share > 0)
      console.log(`${entry.id}: up to ${(share * 100).toFixed(2)} % of the saves shared a write.`)
  }
}

/** One table for each loop: figures of different ones are not to be compared. */
function byLoop(results: readonly EntryResults[]): Map<LoopOptions, EntryResults[]> {
  const groups = new Map<LoopOptions, EntryResults[]>()
  for (const result of results) {
    const { description } = result.entry
    const loop = ('loop' in description ? description.loop : undefined) ?? HOT_SAVES
    const known = [...groups.keys()].find((other) => isDeepStrictEqual(other, loop)) ?? loop
    groups.set(known, [...(groups.get(known) ?? []), result])
  }
  return groups
}

function describeLoop({ sessions, operation }: LoopOptions): string {
  if (operation === 'load') return ', loads of sessions just saved'
  return sessions === KEYS ? '' : `, ${sessions} sessions in turn`
}

/** Prints those targets whose figures were taken. */
export function printTargets(targets: readonly Target[]): void {
  const taken = targets.filter(({ measured }) => measured !== undefined)
  if (taken.length === 0) return
  console.log('\nTargets, for 2 processors. Ratios are taken within each round; then the median.')
  console.log(targetsTable(taken))
  if (taken.length < targets.length)
    console.log(`${targets.length - taken.length} other targets were not measured.`)
}

/** Everything again for a program to read. */
export function writeOutput(
  file: string,
  run: {
    readonly bench: string
    readonly settings: InterleaveSettings
    readonly places: readonly Place[]
    readonly results: readonly EntryResults[]
    readonly targets: readonly Target[]
  },
): void {
  const { bench, settings, places, results, targets } = run
  const content = {
    bench,
    at: new Date().toISOString(),
    machine: describeMachine(),
    settings,
    places: places.map(({ name, fileSystem }) => ({ name, fileSystem: fileSystem.name })),
    results: results.map(({ entry, rounds }) => ({
      id: entry.id,
      label: entry.label,
      place: entry.place ?? null,
      rounds,
    })),
    targets: targets.map((target) => ({ ...target, verdict: verdict(target) })),
  }
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}
