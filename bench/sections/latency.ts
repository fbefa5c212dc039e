import { type EntryResults, interleave, stepsOf } from '../harness/interleave.js'
import { ratio } from '../harness/ratio.js'
import type { Group, SectionResult } from '../results/result.js'
import type { Target } from '../results/target.js'
import { coatcheckStore } from '../stores/coatcheck-stores.js'
import { peers } from '../stores/peer-stores.js'
import { HOT_SAVES } from '../workloads/workload.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { only, type StoreEntry, storeEntries, storeLine } from './store-entries.js'

/** Of the stores in `peers`, those whose figures say most. */
const CHOSEN = ['memory-store', 'connect-redis', 'session-file-store', 'lmdb-nosync', 'lmdb']
/** Share of the most that a store can do. */
const LOAD = 0.5

/** How long a save takes when they come at a fixed rate, half of the most that each store can do. */
export const LATENCY: Section = {
  name: 'latency',
  summary: 'how long a save takes at a fixed rate, half of what each store can do (no coordinated omission)',
  plan(context) {
    const { places } = context
    const { stores, missing } = peers()
    const chosen = context.thoroughness === 'quick' ? CHOSEN.slice(0, 2) : CHOSEN
    const others = stores.filter(({ name }) => chosen.includes(name))
    const ours = [
      coatcheckStore({ durability: 'direct' }),
      coatcheckStore({ durability: 'journal' }),
      coatcheckStore({ durability: 'journal', fsync: true }),
    ]
    const trial = { places, place: places.disk, workload: HOT_SAVES }
    const closed = only(storeEntries([...ours, ...others], { ...trial, suffix: 'most' }), context.only)
    const closedSettings = settingsFor(context, {
      lengths: { alone: { rounds: 3 }, run: { rounds: 2, warmUp: 1 }, quick: { rounds: 1 } },
    })
    const openSettings = settingsFor(context, {
      lengths: {
        alone: { seconds: 3 },
        run: { rounds: 3, seconds: 1 },
        quick: { rounds: 1, seconds: 0.5 },
      },
    })
    return {
      steps: stepsOf(closed, closedSettings) + stepsOf(closed, openSettings),
      run: async (surroundings) => {
        const most = await interleave(closed, closedSettings, surroundings)
        const open = most.map((result) => atHalf(result, trial))
        const results = await interleave(open, openSettings, surroundings)
        const group: Group = {
          title: `Saves at half of each store's maximum, on the disk (${places.disk.fileSystem.name})`,
          measures: [
            'perSecond',
            'p50Milliseconds',
            'p99Milliseconds',
            'p999Milliseconds',
            'maxMilliseconds',
            'loopDelayMilliseconds',
            'loopBusy',
          ],
          charts: ['p50Milliseconds', 'p99Milliseconds', 'p999Milliseconds'],
          lines: results.map(storeLine),
        }
        return {
          name: 'latency',
          title: 'How long a save takes',
          about: [
            `An open loop: saves are issued when they are due, whether those before are done or not, and the time of each runs from when it was due. First each store shows what ${closedSettings.callers} callers in a closed loop get out of it; half of that is the rate.`,
            `${openSettings.rounds} interleaved rounds of ${openSettings.seconds} s.`,
          ],
          command: 'npm run bench -- latency',
          missing,
          groups: [group],
          targets: targets(results),
        } satisfies SectionResult
      },
    }
  },
}

function atHalf(
  { entry, rounds }: EntryResults<StoreEntry>,
  trial: Omit<Parameters<typeof storeEntries>[1], 'suffix'>,
): StoreEntry {
  const rates = rounds.map(({ perSecond }) => perSecond).sort((one, other) => one - other)
  const perSecond = (rates[Math.floor(rates.length / 2)] ?? 1) * LOAD
  const [half] = storeEntries([entry.store], { ...trial, suffix: 'half' })
  if (half === undefined) throw new Error(`${entry.id} cannot save`)
  return { ...half, settings: { perSecond } }
}

function targets(results: readonly EntryResults[]): Target[] {
  return [
    {
      name: 'journal-half@disk: p99.9 of a save, ms',
      goal: { most: 5 },
      measured: ratio(results, (round) => round.p999Milliseconds, 'journal-half@disk'),
    },
  ]
}
