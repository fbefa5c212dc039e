import type { EntryResults } from '../harness/interleave.js'
import { type Reading, ratio } from '../harness/ratio.js'
import type { Target } from '../results/target.js'
import { coatcheckStore } from '../stores/coatcheck-stores.js'
import { lmdb, peers } from '../stores/peer-stores.js'
import type { Store } from '../stores/store.js'
import { HOT_SAVES, type WorkloadDescription } from '../workloads/workload.js'
import { COLUMNS, type ComparedGroup, comparisonPlan } from './comparison.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { storeEntries } from './store-entries.js'

/** So many that few saves of a session come between two writings of its file: checkpoints are always at work. */
const IN_TURN: WorkloadDescription = { operation: 'save', sessions: 50_000 }
const HOT_LOADS: WorkloadDescription = { ...HOT_SAVES, operation: 'load' }

/** The journal where it has it easy, and where it has not. */
export const JOURNAL: Section = {
  name: 'journal',
  summary: 'the journal: few sessions and many, saves and loads, sealed and hashed, beside LMDB',
  plan(context) {
    const { places } = context
    const here = new Set(peers().stores.map(({ name }) => name))
    const others = [lmdb(false), lmdb(true)].filter(({ name }) => here.has(name))
    const trial = { places, place: places.disk }
    const group = (
      title: string,
      workload: WorkloadDescription,
      stores: readonly Store[],
      suffix?: string,
    ): ComparedGroup => ({
      title,
      entries: storeEntries(stores, { ...trial, workload, ...(suffix === undefined ? {} : { suffix }) }),
      measures: COLUMNS,
      charts: ['perSecond'],
    })
    const journal = { durability: 'journal' } as const
    return comparisonPlan(context, {
      name: 'journal',
      title: 'The journal',
      about: ['Sessions of some 393 bytes as JSON; each caller has sessions of its own.'],
      settings: settingsFor(context),
      groups: [
        group('Saves of 1 000 hot sessions', HOT_SAVES, [
          coatcheckStore(journal),
          coatcheckStore({ ...journal, fsync: true }),
          coatcheckStore({ ...journal, sealed: true }),
          coatcheckStore({ ...journal, hashNames: true }),
          coatcheckStore({ ...journal, sealed: true, hashNames: true }),
          ...others,
        ]),
        group(
          'Saves of 50 000 sessions in turn, a checkpoint every second',
          IN_TURN,
          [
            coatcheckStore({ ...journal, checkpointInterval: 1 }),
            coatcheckStore({ ...journal, fsync: true, checkpointInterval: 1 }),
            ...others,
          ],
          'turn',
        ),
        group(
          'Loads of 1 000 sessions just saved',
          HOT_LOADS,
          [coatcheckStore({ ...journal, checkpointInterval: false }), ...others.slice(0, 1)],
          'load',
        ),
      ],
      targets: journalTargets,
    })
  },
}

function journalTargets(results: readonly EntryResults[]): Target[] {
  const rate: Reading = (round) => round.perSecond
  const loop: Reading = (round) => round.loopMicroseconds
  return [
    {
      name: 'journal-turn@disk: saves/s, ÷ lmdb-nosync-turn@disk',
      goal: { least: 0.7 },
      measured: ratio(results, rate, 'journal-turn@disk', 'lmdb-nosync-turn@disk'),
    },
    {
      name: 'journal-turn@disk: event loop, µs a save',
      goal: { most: 5 },
      measured: ratio(results, loop, 'journal-turn@disk'),
    },
    {
      name: 'journal-load@disk: loads/s',
      goal: { least: 250_000 },
      measured: ratio(results, rate, 'journal-load@disk'),
    },
    {
      name: 'journal-load@disk: event loop, µs a load',
      goal: { most: 3.5 },
      measured: ratio(results, loop, 'journal-load@disk'),
    },
  ]
}
