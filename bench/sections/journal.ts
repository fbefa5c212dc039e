import type { RoundResult } from '../harness/contestant.js'
import type { EntryResults } from '../harness/interleave.js'
import type { Target } from '../results/target.js'
import { coatcheckStore } from '../stores/coatcheck-stores.js'
import { lmdb, peers } from '../stores/peer-stores.js'
import type { Store } from '../stores/store.js'
import { HOT_SAVES, type WorkloadDescription } from '../workloads/workload.js'
import { COLUMNS, type ComparedGroup, comparisonPlan } from './comparison.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { storeEntries } from './store-entries.js'
import { targetsOf } from './targets-of.js'

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
  const reading = (round: RoundResult): number => round.perSecond
  const saves = targetsOf(results, { what: 'saves/s', reading })
  const loads = targetsOf(results, { what: 'loads/s', reading })
  const loop = targetsOf(results, {
    what: 'event loop',
    unit: ', µs each',
    reading: (round) => round.loopMicroseconds,
  })
  return [
    saves({ least: 0.7 }, 'journal-turn@disk', 'lmdb-nosync-turn@disk'),
    loop({ most: 5 }, 'journal-turn@disk'),
    loads({ least: 250_000 }, 'journal-load@disk'),
    loop({ most: 3.5 }, 'journal-load@disk'),
  ]
}
