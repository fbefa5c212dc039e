import { EVERYTHING, type Store } from './store.js'

/** Which of ours it is. */
export interface CoatcheckStoreOptions {
  readonly durability: 'direct' | 'journal'
  readonly fsync?: boolean
  /** Default what is `'auto'` with the storage. */
  readonly threads?: number
  readonly sealed?: boolean
  readonly hashNames?: boolean
  /** Of the journal; default what it has by itself. */
  readonly checkpointInterval?: number | false
}

/** Ours, called directly. */
export function coatcheckStore(options: CoatcheckStoreOptions): Store {
  const { durability, fsync = false, threads, sealed = false, hashNames = false } = options
  const words = [
    ...(threads === undefined ? [] : [String(threads)]),
    ...(fsync ? ['fsync'] : []),
    ...(sealed ? ['sealed'] : []),
    ...(hashNames ? ['hashed'] : []),
  ]
  const kept = `${durability}${fsync ? ' + fsync' : ''}`
  const extras = [
    ...(sealed ? ['sealed'] : []),
    ...(hashNames ? ['names hashed'] : []),
    ...(threads === undefined ? [] : [threads === 1 ? '1 thread' : `${threads} threads`]),
  ]
  return {
    name: [durability, ...words].join('-'),
    label: [`coatcheck ${kept}`, ...extras].join(', '),
    survives: fsync ? 'power' : 'process',
    sharedBy: durability === 'journal' ? 'one process' : 'one machine',
    inFiles: true,
    can: EVERYTHING,
    describe: (directory, workload) => ({ kind: 'coatcheck', directory, ...options, workload }),
  }
}

/** Ours, with a Redis server on loopback, or a cluster of three. */
export function coatcheckOnRedis({ cluster = false }: { readonly cluster?: boolean } = {}): Store {
  return {
    name: cluster ? 'redis-cluster' : 'redis',
    label: `coatcheck redis${cluster ? ' cluster of 3' : ''}, no persistence`,
    survives: 'client',
    sharedBy: 'network',
    inFiles: false,
    can: EVERYTHING,
    describe: (directory, workload) => ({
      kind: 'coatcheck-redis',
      directory,
      cluster,
      workload,
    }),
  }
}

/** Ours as express-session calls it. */
export function coatcheckAsStore(durability: 'direct' | 'journal'): Store {
  return {
    ...coatcheckStore({ durability }),
    name: `express-${durability}`,
    label: `coatcheck ${durability}, as a store for Express`,
    describe: (directory, workload) => ({ kind: 'coatcheck-express', directory, durability, workload }),
  }
}
