import { mkdirSync } from 'node:fs'
import {
  type Entry,
  type EntryResults,
  interleave,
  type Surroundings,
  stepsOf,
} from '../harness/interleave.js'
import type { Place } from '../harness/places.js'
import { type Reading, ratio } from '../harness/ratio.js'
import { figuresOf } from '../results/measures.js'
import type { Group, SectionResult } from '../results/result.js'
import type { Target } from '../results/target.js'
import { type CoatcheckStoreOptions, coatcheckStore } from '../stores/coatcheck-stores.js'
import { buildTree } from '../tree/build-tree.js'
import type { Section, SectionContext, SectionPlan, Thoroughness } from './section.js'
import { describeSettings, settingsFor } from './settings.js'
import { only, type StoreEntry, storeLine } from './store-entries.js'

const FEW = 1_000
const MANY = 1_000_000
/** So many sessions are at work, however many are stored: who saves the others, too, waits for memory and for the disk. */
const ACTIVE = 1_000
const COUNTS: Readonly<Record<Thoroughness, readonly number[]>> = {
  alone: [FEW, 10_000, 100_000, MANY],
  run: [FEW, MANY],
  quick: [FEW, 10_000],
}
const CALLERS_BESIDE = 64

type Active = 'few' | 'all'

const ACTIVES: Readonly<Record<Thoroughness, readonly Active[]>> = {
  alone: ['few', 'all'],
  // No time for both.
  run: ['few'],
  quick: ['few'],
}

interface Kind {
  readonly curve: string
  readonly place: Place
  readonly active: Active
  readonly options: CoatcheckStoreOptions
}

/** A million sessions: whether saves cost more, what a sweep takes, and whether saves notice it. */
export const MILLION: Section = {
  name: 'million',
  summary: 'a million sessions: whether saves cost more, what a sweep takes, and whether saves notice it',
  plan(context) {
    const counts = COUNTS[context.thoroughness]
    const curves = kinds(context).flatMap((kind) =>
      counts.map((count) => curveEntry(kind, count, context.seed)),
    )
    const sweeps = treesAt(context).flatMap((place) => sweepEntries(place, counts.at(-1) ?? MANY))
    const chosen = only<Entry>([...curves, ...sweeps], context.only)
    const chosenCurves = curves.filter((entry) => chosen.includes(entry))
    const chosenSweeps = sweeps.filter((entry) => chosen.includes(entry))
    const curveSettings = settingsFor(context, { lengths: { run: { rounds: 3, seconds: 0.3, warmUp: 0.8 } } })
    const sweepSettings = settingsFor(context, {
      callers: CALLERS_BESIDE,
      lengths: {
        alone: { rounds: 3, seconds: 3 },
        run: { rounds: 3, seconds: 1.5 },
        quick: { rounds: 1, seconds: 0.5 },
      },
    })
    const trees = new Set(chosen.map(({ description }) => treeIn(description)))
    return {
      steps: trees.size + stepsOf(chosenCurves, curveSettings) + stepsOf(chosenSweeps, sweepSettings),
      run: async (surroundings) => {
        await buildTrees(trees, surroundings)
        const stored: EntryResults<StoreEntry>[] = []
        // One curve after the other: a tree belongs to one journal at a time.
        for (const curve of new Set(chosenCurves.map(({ point }) => point?.curve))) {
          const points = chosenCurves.filter(({ point }) => point?.curve === curve)
          stored.push(...(await interleave(points, curveSettings, surroundings)))
        }
        const swept = await interleave(chosenSweeps, sweepSettings, surroundings)
        const groups: Group[] = [
          {
            title: 'Saves, against the sessions that are stored',
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
          targets: targets([...stored, ...swept], { places: treesAt(context), many: counts.at(-1) ?? MANY }),
        } satisfies SectionResult
      },
    } satisfies SectionPlan
  },
}

/** A whole run has no time for a million files on a disk. */
function treesAt({ places: { tmpfs, disk }, thoroughness }: SectionContext): Place[] {
  if (tmpfs === undefined) return [disk]
  return thoroughness === 'alone' ? [tmpfs, disk] : [tmpfs]
}

function kinds(context: SectionContext): Kind[] {
  return treesAt(context).flatMap((place) =>
    (['direct', 'journal'] as const).flatMap((durability) =>
      ACTIVES[context.thoroughness].map((active) => ({
        curve: `${durability}, ${place.name}, ${active === 'few' ? `${ACTIVE} of them saved` : 'any of them saved'}`,
        place,
        active,
        options: { durability },
      })),
    ),
  )
}

function curveEntry({ curve, place, active, options }: Kind, count: number, seed: number): StoreEntry {
  const store = coatcheckStore(options)
  return {
    id: `${options.durability}-${active}-${count}@${place.name}`,
    label: store.label,
    store,
    description: store.describe(treeOf(place, count), {
      operation: 'save',
      sessions: count,
      order: 'uniform',
      active: active === 'few' ? ACTIVE : count,
      stored: true,
      seed,
    }),
    point: { at: count, curve, label: `${curve}: ${count}` },
  }
}

function sweepEntries(place: Place, count: number): Entry[] {
  const { name } = place
  const directory = treeOf(place, count)
  const sweep = (id: string, label: string, what: 'alone' | 'saves' | 'beside'): Entry => ({
    id: `${id}@${name}`,
    label: `${label}, ${name}`,
    description: { kind: 'sweep', what, directory },
  })
  return [
    {
      id: `raw-walk@${name}`,
      label: `raw walk: readdir and lstat, ${name}`,
      description: { kind: 'raw-walk', directory },
    },
    sweep('sweep', 'a sweep', 'alone'),
    sweep('saves', 'saves (direct) without a sweep', 'saves'),
    sweep('saves-beside-sweep', 'saves (direct) beside a sweep', 'beside'),
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

function targets(
  results: Parameters<typeof ratio>[0],
  { places, many }: { readonly places: readonly Place[]; readonly many: number },
): Target[] {
  const rate: Reading = (round) => round.perSecond
  const cpu: Reading = (round) => round.processMicroseconds
  return places.flatMap(({ name }) => [
    ...['direct', 'journal'].map((durability) => ({
      name: `${durability}, ${name}: processor time of a save, ${many} sessions stored ÷ ${FEW}, ${ACTIVE} of them saved`,
      goal: { most: 1.15 },
      measured: ratio(results, cpu, `${durability}-few-${many}@${name}`, `${durability}-few-${FEW}@${name}`),
    })),
    {
      name: `sweep, ${name}: sessions/s, ÷ raw walk`,
      goal: { least: 0.8 },
      measured: ratio(results, rate, `sweep@${name}`, `raw-walk@${name}`),
    },
    {
      name: `p99 of saves beside a sweep, ${name}, ÷ without`,
      goal: { most: 1.5 },
      measured: ratio(
        results,
        (round) => round.p99Milliseconds,
        `saves-beside-sweep@${name}`,
        `saves@${name}`,
      ),
    },
  ])
}
