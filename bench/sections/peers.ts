import { hasRedisServer } from '../../test/fixtures/redis/redis-server.js'
import type { Place } from '../harness/places.js'
import { coatcheckOnRedis, coatcheckStore } from '../stores/coatcheck-stores.js'
import { peers } from '../stores/peer-stores.js'
import type { Store } from '../stores/store.js'
import { KEYS, type WorkloadDescription } from '../workloads/workload.js'
import { COLUMNS, type ComparedGroup, comparisonPlan } from './comparison.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { storeEntries } from './store-entries.js'

const OURS: readonly Store[] = [
  coatcheckStore({ durability: 'direct' }),
  coatcheckStore({ durability: 'direct', fsync: true }),
  coatcheckStore({ durability: 'journal' }),
  coatcheckStore({ durability: 'journal', fsync: true }),
  ...(hasRedisServer() ? [coatcheckOnRedis()] : []),
]

/** Those that a quick run has time for. */
const QUICKLY = ['memory-store', 'connect-redis', 'session-file-store', 'lmdb-nosync', 'sqlite', 'django']

/** Those for whom the file system makes a difference, and which sync nothing: in a tmpfs there is nothing to be synced. */
const A_FILE_EACH = ['direct', 'session-file-store', 'write-file-atomic-nosync', 'fs-promises', 'django']

/** What a request does with its session, in every store that people use. */
export const PEERS: Section = {
  name: 'peers',
  summary: 'a server that saves with every request: ours, and every store that people use',
  plan(context) {
    const { places, seed } = context
    const { stores, missing } = peers()
    const others =
      context.thoroughness === 'quick' ? stores.filter(({ name }) => QUICKLY.includes(name)) : stores
    const workload: WorkloadDescription = { operation: 'request', sessions: KEYS, order: 'uniform', seed }
    const group = (title: string, place: Place, stores: readonly Store[]): ComparedGroup => ({
      title,
      entries: storeEntries(stores, { places, place, workload }),
      measures: COLUMNS,
      charts: ['perSecond', 'loopMicroseconds'],
    })
    const { tmpfs } = places
    const aFileEach = [...OURS, ...stores].filter(({ name }) => A_FILE_EACH.includes(name))
    return comparisonPlan(context, {
      name: 'peers',
      title: 'A session loaded, changed and saved with every request',
      about: [
        `${KEYS} sessions of some 393 bytes as JSON, each request for any of them; an operation is a load, a change and a save.`,
        'What each store promises stands in its line: figures of stores that promise less are not to be had by those that promise more.',
      ],
      missing,
      settings: settingsFor(context, { lengths: { run: { rounds: 4 } } }),
      groups: [
        group(`On the disk (${places.disk.fileSystem.name})`, places.disk, [...OURS, ...others]),
        ...(tmpfs === undefined || context.thoroughness === 'quick'
          ? []
          : [group('A file for each session, in memory (tmpfs)', tmpfs, aFileEach)]),
      ],
    })
  },
}
