import type { EntryResults } from '../harness/interleave.js'
import type { Target } from '../results/target.js'
import { coatcheckOnRedis } from '../stores/coatcheck-stores.js'
import { connectRedis, peers } from '../stores/peer-stores.js'
import { HOT_SAVES, type WorkloadDescription } from '../workloads/workload.js'
import { COLUMNS, type ComparedGroup, comparisonPlan } from './comparison.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { storeEntries } from './store-entries.js'
import { targetsOf } from './targets-of.js'

const TRIALS = [
  { suffix: 'save', title: 'Saves', workload: HOT_SAVES },
  { suffix: 'load', title: 'Loads', workload: { ...HOT_SAVES, operation: 'load' } },
  { suffix: 'request', title: 'Load, change, save', workload: { ...HOT_SAVES, operation: 'request' } },
] as const satisfies readonly { suffix: string; title: string; workload: WorkloadDescription }[]

/** Sessions on servers: one, and a cluster. */
export const REDIS: Section = {
  name: 'redis',
  summary: 'sessions on a Redis server and on a cluster of three, beside connect-redis',
  plan(context) {
    const { places } = context
    const { stores, missing } = peers()
    const single = connectRedis('none')
    const here = stores.some(({ name }) => name === single.name)
    const field = here ? [coatcheckOnRedis(), coatcheckOnRedis({ cluster: true }), single] : []
    const group = ({ suffix, title, workload }: (typeof TRIALS)[number]): ComparedGroup => ({
      title,
      entries: storeEntries(field, { places, place: places.disk, workload, suffix }),
      measures: COLUMNS,
      charts: ['perSecond', 'loopMicroseconds'],
    })
    return comparisonPlan(context, {
      name: 'redis',
      title: 'Sessions on Redis',
      about: [
        '1000 sessions of some 393 bytes as JSON. Servers are on loopback and use the same processors; the cluster has three masters.',
      ],
      missing: missing.filter((line) => line.includes('redis')),
      settings: settingsFor(context),
      groups: TRIALS.map(group),
      targets: redisTargets,
    })
  },
}

/** Each of ours, against the other store, and the cluster against the single server. */
function redisTargets(results: readonly EntryResults[]): Target[] {
  const rate = targetsOf(results, { what: 'operations/s', reading: (round) => round.perSecond })
  const loop = targetsOf(results, { what: 'event loop', reading: (round) => round.loopMicroseconds })
  return ['save', 'load'].flatMap((what) => [
    rate({ least: 1.1 }, `redis-${what}`, `connect-redis-${what}`),
    loop({ most: 1 / 4 }, `redis-${what}`, `connect-redis-${what}`),
    rate({ least: 0.8 }, `redis-cluster-${what}`, `redis-${what}`),
    loop({ most: 1.2 }, `redis-cluster-${what}`, `redis-${what}`),
  ])
}
