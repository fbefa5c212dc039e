import { coatcheckStore } from '../stores/coatcheck-stores.js'
import { peers } from '../stores/peer-stores.js'
import { KEYS, type WorkloadDescription } from '../workloads/workload.js'
import { COLUMNS, type ComparedGroup, comparisonPlan } from './comparison.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { storeEntries } from './store-entries.js'

/** Parallel requests of one session, as a page makes them. */
const TOGETHER = 8

const TRIALS: readonly {
  readonly suffix: string
  readonly title: string
  readonly workload: WorkloadDescription
}[] = [
  {
    suffix: 'zipf',
    title: 'Load, change, save; few sessions are nearly always asked for (Zipf, 0.99, of 10 000)',
    workload: { operation: 'request', sessions: 10_000, order: 'zipf' },
  },
  {
    suffix: 'login',
    title: 'A new session each time: a burst of logins',
    workload: { operation: 'create', sessions: KEYS },
  },
  {
    suffix: 'parallel',
    title: `Load, change, save; ${TOGETHER} requests of one session at a time`,
    workload: { operation: 'request', sessions: KEYS, together: TOGETHER },
  },
  {
    suffix: 'touch',
    title: 'Load and touch; 1 in 20 changes and saves',
    workload: { operation: 'touch', sessions: KEYS, order: 'uniform' },
  },
  {
    suffix: 'read',
    title: 'Load; 1 in 20 changes and saves as well',
    workload: { operation: 'read', sessions: KEYS, order: 'uniform' },
  },
]

/** Those that a quick run has time for. */
const QUICKLY = ['read']

/** Of the stores in `peers`, those whose figures say most. */
const CHOSEN = ['memory-store', 'connect-redis', 'session-file-store', 'lmdb-nosync']

/** What servers do besides: hot sessions, logins, parallel requests, touches, reads. */
export const WORKLOADS: Section = {
  name: 'workloads',
  summary: 'hot sessions, logins, parallel requests of one session, touches, reads',
  plan(context) {
    const { places, seed } = context
    const { stores, missing } = peers()
    const others = stores.filter(({ name }) => CHOSEN.includes(name))
    const ours = [coatcheckStore({ durability: 'direct' }), coatcheckStore({ durability: 'journal' })]
    const isQuick = context.thoroughness === 'quick'
    const group = ({ suffix, title, workload }: (typeof TRIALS)[number]): ComparedGroup => ({
      title,
      entries: storeEntries([...ours, ...(isQuick ? others.slice(0, 1) : others)], {
        places,
        place: places.disk,
        workload: { ...workload, seed },
        suffix,
      }),
      measures: COLUMNS,
      charts: ['perSecond'],
    })
    return comparisonPlan(context, {
      name: 'workloads',
      title: 'Other workloads',
      about: [`Sessions of some 393 bytes as JSON, on the disk (${places.disk.fileSystem.name}).`],
      missing,
      settings: settingsFor(context, { lengths: { run: { rounds: 3, seconds: 0.3, warmUp: 0.5 } } }),
      groups: TRIALS.filter(({ suffix }) => !isQuick || QUICKLY.includes(suffix)).map(group),
    })
  },
}
