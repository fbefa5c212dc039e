import { mkdirSync } from 'node:fs'
import { type Entry, interleave, type Surroundings, stepsOf } from '../harness/interleave.js'
import type { Place } from '../harness/places.js'
import { type Reading, ratio } from '../harness/ratio.js'
import { figuresOf } from '../results/measures.js'
import type { Group, SectionResult } from '../results/result.js'
import type { Target } from '../results/target.js'
import { type CoatcheckStoreOptions, coatcheckStore } from '../stores/coatcheck-stores.js'
import { buildTree } from '../tree/build-tree.js'
import type { Section, SectionContext, SectionPlan } from './section.js'
import { describeSettings, settingsFor } from './settings.js'
import { only, type StoreEntry, storeLine } from './store-entries.js'

const FEW = 1_000
const MANY = 1_000_000
const QUICKLY_MANY = 10_000
const CALLERS_BESIDE = 64

interface Kind {
  readonly curve: string
  readonly place: Place
  readonly options: CoatcheckStoreOptions
}

/** A million sessions: whether saves cost more, what a sweep takes, and whether saves notice it. */
export const MILLION: Section = {
  name: 'million',
  summary: 'a million sessions: whether saves cost more, what a sweep takes, and whether saves notice it',
  plan(context) {
    const isQuick = context.thoroughness === 'quick'
    const counts = isQuick ? [FEW, QUICKLY_MANY] : [FEW, 10_000, 100_000, MANY]
    const curves = kinds(context).flatMap((kind) =>
      counts.map((count) => curveEntry(kind, count, context.seed)),
    )
    const sweeps = sweepEntries(treeOf(context.places.disk, counts.at(-1) ?? MANY))
    const chosen = only<Entry>([...curves, ...sweeps], context.only)
    const chosenCurves = curves.filter((entry) => chosen.includes(entry))
    const chosenSweeps = sweeps.filter((entry) => chosen.includes(entry))
    const curveSettings = settingsFor(context, { lengths: { run: { rounds: 3, warmUp: 1 } } })
    const sweepSettings = settingsFor(context, {
      callers: CALLERS_BESIDE,
      lengths: {
        alone: { rounds: 3, seconds: 3 },
        run: { rounds: 2, seconds: 1.5 },
        quick: { rounds: 1, seconds: 0.5 },
      },
    })
    const trees = new Set(chosen.map(({ description }) => treeIn(description)))
    return {
      steps: trees.size + stepsOf(chosenCurves, curveSettings) + stepsOf(chosenSweeps, sweepSettings),
      run: async (surroundings) => {
        await buildTrees(trees, surroundings)
        const stored = await interleave(chosenCurves, curveSettings, surroundings)
        const swept = await interleave(chosenSweeps, sweepSettings, surroundings)
        const groups: Group[] = [
          {
            title: 'Saves of any session, against the sessions that are stored',
            axis: { title: 'sessions stored', unit: 'sessions' },
            measures: [
              'perSecond',
              'loopMicroseconds',
              'processMicroseconds',
              'p50Milliseconds',
              'p99Milliseconds',
            ],
            charts: ['processMicroseconds', 'loopMicroseconds'],
            lines: stored.map(storeLine),
          },
          {
            title: `A sweep of ${counts.at(-1)} sessions, and saves beside it`,
            measures: [
              'perSecond',
              'loopMicroseconds',
              'p50Milliseconds',
              'p99Milliseconds',
              'maxMilliseconds',
            ],
            charts: ['perSecond'],
            lines: swept.map(({ entry: { id, label }, rounds }) => ({
              id,
              label,
              figures: figuresOf(rounds),
            })),
          },
        ]
        return {
          name: 'million',
          title: 'A million sessions',
          about: [
            'Session files are made in advance. What has not expired stays: a sweep reads the directories and looks at each file.',
            `Curves: ${describeSettings(curveSettings)}. Saves beside a sweep: ${describeSettings(sweepSettings)}.`,
          ],
          command: 'npm run bench -- million',
          missing: [],
          groups: groups.filter(({ lines }) => lines.length > 0),
          targets: targets([...stored, ...swept], counts),
        } satisfies SectionResult
      },
    } satisfies SectionPlan
  },
}

function kinds({ places }: SectionContext): Kind[] {
  const { tmpfs, disk } = places
  return [
    ...(tmpfs === undefined
      ? []
      : [{ curve: 'direct, tmpfs', place: tmpfs, options: { durability: 'direct' } } as const]),
    { curve: 'journal, disk', place: disk, options: { durability: 'journal' } },
  ]
}

function curveEntry({ curve, place, options }: Kind, count: number, seed: number): StoreEntry {
  const store = coatcheckStore(options)
  const workload = { operation: 'save', sessions: count, order: 'uniform', stored: true, seed } as const
  return {
    id: idOf(options, count, place),
    label: store.label,
    store,
    description: store.describe(treeOf(place, count), workload),
    point: { at: count, curve, label: `${curve}: ${count}` },
  }
}

function idOf({ durability }: CoatcheckStoreOptions, count: number, { name }: Place): string {
  return `${durability}-stored-${count}@${name}`
}

function sweepEntries(directory: string): Entry[] {
  return [
    {
      id: 'raw-walk@disk',
      label: 'raw walk: readdir and lstat',
      description: { kind: 'raw-walk', directory },
    },
    {
      id: 'sweep@disk',
      label: 'a sweep',
      description: { kind: 'sweep', what: 'alone', directory },
    },
    {
      id: 'saves@disk',
      label: 'saves (direct) without a sweep',
      description: { kind: 'sweep', what: 'saves', directory },
    },
    {
      id: 'saves-beside-sweep@disk',
      label: 'saves (direct) beside a sweep',
      description: { kind: 'sweep', what: 'beside', directory },
    },
  ]
}

function treeOf(place: Place, count: number): string {
  return `${place.directory}/tree-${count}`
}

function treeIn(description: Entry['description']): string {
  return 'directory' in description ? description.directory : ''
}

async function buildTrees(trees: ReadonlySet<string>, { progress }: Surroundings): Promise<void> {
  for (const directory of trees) {
    const count = Number(directory.slice(directory.lastIndexOf('-') + 1))
    progress.show(`making ${count} sessions`)
    mkdirSync(directory, { mode: 0o700 })
    await buildTree(directory, count)
    progress.advance()
  }
}

function targets(results: Parameters<typeof ratio>[0], counts: readonly number[]): Target[] {
  const rate: Reading = (round) => round.perSecond
  const cpu: Reading = (round) => round.processMicroseconds
  const many = counts.at(-1) ?? MANY
  const flat = (durability: string, place: string): Target => ({
    name: `${durability}, ${place}: processor time of a save, ${many} sessions stored ÷ ${FEW}`,
    goal: { most: 1.15 },
    measured: ratio(
      results,
      cpu,
      `${durability}-stored-${many}@${place}`,
      `${durability}-stored-${FEW}@${place}`,
    ),
  })
  return [
    flat('direct', 'tmpfs'),
    flat('journal', 'disk'),
    {
      name: 'sweep: sessions/s, ÷ raw walk',
      goal: { least: 0.8 },
      measured: ratio(results, rate, 'sweep@disk', 'raw-walk@disk'),
    },
    {
      name: 'p99 of saves beside a sweep, ÷ without',
      goal: { most: 1.5 },
      measured: ratio(results, (round) => round.p99Milliseconds, 'saves-beside-sweep@disk', 'saves@disk'),
    },
  ]
}
