import { type EntryResults, type InterleaveSettings, interleave, stepsOf } from '../harness/interleave.js'
import type { MeasureName } from '../results/measures.js'
import type { Axis, Group } from '../results/result.js'
import type { Target } from '../results/target.js'
import type { SectionContext, SectionPlan } from './section.js'
import { describeSettings } from './settings.js'
import { only, type StoreEntry, storeLine } from './store-entries.js'

/** Entries that are to be compared with each other. */
export interface ComparedGroup {
  readonly title: string
  readonly entries: readonly StoreEntry[]
  readonly measures: readonly MeasureName[]
  readonly charts: readonly MeasureName[]
  readonly axis?: Axis
}

/** What makes a section out of groups of stores. */
export interface Comparison {
  readonly name: string
  readonly title: string
  readonly about: readonly string[]
  readonly missing?: readonly string[]
  readonly settings: InterleaveSettings
  readonly groups: readonly ComparedGroup[]
  targets?(results: readonly EntryResults<StoreEntry>[]): readonly Target[]
}

/** The usual columns. */
export const COLUMNS: readonly MeasureName[] = [
  'perSecond',
  'loopMicroseconds',
  'mainThreadMicroseconds',
  'processMicroseconds',
  'serverMicroseconds',
  'p50Milliseconds',
  'p99Milliseconds',
  'p999Milliseconds',
  'maxMilliseconds',
  'loopDelayMilliseconds',
  'bytesWritten',
  'peakMemoryMebibytes',
]

/** All entries of all groups, interleaved, and a table for each group. */
export function comparisonPlan(context: SectionContext, comparison: Comparison): SectionPlan {
  const { settings } = comparison
  const entries = only(
    comparison.groups.flatMap((group) => group.entries),
    context.only,
  )
  return {
    steps: stepsOf(entries, settings),
    run: async (surroundings) => {
      const results = await interleave(entries, settings, surroundings)
      const { name, title, about, missing = [] } = comparison
      return {
        name,
        title,
        about: [...about, describeSettings(settings)],
        command: `npm run bench -- ${name}`,
        missing,
        groups: comparison.groups
          .map((group) => groupOf(group, results))
          .filter(({ lines }) => lines.length > 0),
        targets: comparison.targets?.(results) ?? [],
      }
    },
  }
}

function groupOf(group: ComparedGroup, results: readonly EntryResults<StoreEntry>[]): Group {
  const { title, measures, charts, axis, entries } = group
  const lines = results.filter(({ entry }) => entries.includes(entry)).map(storeLine)
  return { title, measures, charts, lines, ...(axis === undefined ? {} : { axis }) }
}
