import type { FilesOptions } from 'coatcheck'
import type { FaultPlan } from '../faults/fault.js'
import type { Fault } from '../fixtures/faulty-worker.js'
import type { Bug } from './planted-bugs.js'
import type { ServerKind, Trouble } from './troubled-servers.js'
import type { ProfileName } from './workload.js'

/** How histories are made. */
export interface Variant {
  readonly name: string
  readonly files: Omit<FilesOptions, 'directory'>
  readonly processes: number
  /** Engine threads of each process. */
  readonly threads: number
  /** A key for each. */
  readonly profiles: readonly ProfileName[]
  /** Callers in each process, and the turns of each. */
  readonly callers: number
  readonly turns: number
  /** One process of them is killed in the midst, and another one takes its place. */
  readonly kills?: boolean
  /** A worker dies of a batch: so, in the first, the second, … process. */
  readonly dying?: readonly Pick<Fault, 'when' | 'how'>[]
  /** Some calls of the first process fail: of these, so. */
  readonly fails?: Pick<FaultPlan, 'calls'> & { readonly actions: readonly FaultPlan['action'][] }
  /** In the place of a directory. */
  readonly servers?: ServerKind
  /** What happens to them meanwhile. */
  readonly trouble?: Trouble
  readonly bug?: Bug
  /** Also tried in the usual run of all tests. */
  readonly usual?: boolean
}

/** Several processes at one directory. */
export const SHARED = {
  processes: 3,
  threads: 2,
  profiles: ['exclusive', 'exclusive', 'overwritten', 'revived', 'ended'],
  callers: 5,
  turns: 6,
} as const satisfies Partial<Variant>

/** One engine that has the directory for itself. */
export const ALONE = {
  processes: 1,
  threads: 2,
  profiles: ['everything', 'everything', 'everything'],
  callers: 8,
  turns: 6,
} as const satisfies Partial<Variant>

/** Several processes at the same servers, on which everything goes with everything. */
const ON_SERVERS = {
  ...ALONE,
  processes: 3,
  threads: 1,
  callers: 4,
  turns: 12,
  files: {},
  servers: 'one',
} as const

/** With checkpoints all the time. */
export const JOURNAL = { durability: 'journal', checkpointInterval: 0.01 } as const
const DYING = [
  { when: 'before', how: 'exit' },
  { when: 'midway', how: 'throw' },
  { when: 'after', how: 'exit' },
] as const
const WRITES = [
  'write',
  'fsync',
  'fdatasync',
  'rename',
  'unlink',
  'create',
  'mkdir',
  'link',
  'times',
] as const
const FAILS = { calls: WRITES, actions: ['EIO', 'ENOSPC', 'EMFILE', 'EROFS', 'break'] } as const

/** All of them. */
export const VARIANTS: readonly Variant[] = [
  { ...SHARED, name: 'three processes', usual: true, files: {} },
  { ...SHARED, name: 'three processes, fsync', files: { fsync: true } },
  { ...SHARED, name: 'three processes, one is killed', files: {}, kills: true },
  {
    ...SHARED,
    name: 'three processes, fsync, one is killed',
    usual: true,
    files: { fsync: true },
    kills: true,
  },
  { ...SHARED, name: 'three processes, workers die', usual: true, files: {}, dying: DYING },
  { ...ALONE, name: 'one process', files: {} },
  { ...ALONE, name: 'one process, workers die', files: {}, dying: DYING.slice(1) },
  { ...ALONE, name: 'one process, fsync, workers die', files: { fsync: true }, dying: DYING.slice(2) },
  { ...ALONE, name: 'one process, calls fail', usual: true, files: {}, fails: FAILS },
  { ...ALONE, name: 'one process, fsync, calls fail', files: { fsync: true }, fails: FAILS },
  { ...ALONE, name: 'journal', usual: true, files: JOURNAL },
  { ...ALONE, name: 'journal, fsync', files: { ...JOURNAL, fsync: true } },
  { ...ALONE, name: 'journal, killed', files: JOURNAL, kills: true },
  { ...ALONE, name: 'journal, fsync, killed', usual: true, files: { ...JOURNAL, fsync: true }, kills: true },
  { ...ALONE, name: 'journal, workers die', usual: true, files: JOURNAL, dying: DYING.slice(1) },
  {
    ...ALONE,
    name: 'journal, fsync, workers die',
    files: { ...JOURNAL, fsync: true },
    dying: DYING.slice(2),
  },
  { ...ALONE, name: 'journal, calls fail', files: JOURNAL, fails: FAILS },
  { ...ALONE, name: 'journal, fsync, calls fail', files: { ...JOURNAL, fsync: true }, fails: FAILS },
  { ...ON_SERVERS, name: 'Redis' },
  { ...ON_SERVERS, name: 'Redis, one is killed', kills: true },
  { ...ON_SERVERS, name: 'Redis, workers die', usual: true, threads: 2, turns: 6, dying: DYING.slice(0, 1) },
  { ...ON_SERVERS, name: 'Redis, connections are lost', usual: true, trouble: 'connections' },
  { ...ON_SERVERS, name: 'Redis Cluster, connections are lost', servers: 'cluster', trouble: 'connections' },
  { ...ON_SERVERS, name: 'Redis Cluster, slots move', usual: true, servers: 'cluster', trouble: 'slots' },
]
