import { createRequire } from 'node:module'
import { hasRedisServer } from '../../test/fixtures/redis/redis-server.js'
import { findDjango } from '../django/python.js'
import { findSqlite } from '../peers/sqlite.js'
import type { RawProtocol } from '../raw/protocols.js'
import { EVERYTHING, type Field, type Store, WITHOUT_TOUCH } from './store.js'

/** Bare system calls: no store, but what no store of files can do without. */
export function rawCalls(threads: number, protocol: RawProtocol = 'django'): Store {
  const words = threads === 1 ? '1 thread' : `${threads} threads`
  return {
    name: `${protocol === 'django' ? 'raw' : 'lean'}-${threads}`,
    label: `raw system calls${protocol === 'lean' ? ' without the check' : ''}, ${words}`,
    survives: 'process',
    sharedBy: 'one machine',
    inFiles: true,
    can: ['save'],
    describe: (directory) => ({ kind: 'raw', directory, threads, protocol }),
  }
}

/** express-session's own, in memory. */
export const MEMORY_STORE: Store = {
  name: 'memory-store',
  label: 'express-session MemoryStore',
  survives: 'nothing',
  sharedBy: 'one process',
  inFiles: false,
  can: EVERYTHING,
  describe: (_, workload) => ({ kind: 'memory-store', workload }),
}

/** The `session-file-store` package. It syncs the file, and not the folder that names it. */
export const SESSION_FILE_STORE: Store = {
  name: 'session-file-store',
  label: 'session-file-store',
  survives: 'process',
  sharedBy: 'one machine',
  inFiles: true,
  can: EVERYTHING,
  describe: (directory, workload) => ({ kind: 'session-file-store', directory, workload }),
}

/** The `lmdb` package; with `sync` as it is by default. */
export function lmdb(sync: boolean): Store {
  return {
    name: sync ? 'lmdb' : 'lmdb-nosync',
    label: `LMDB, ${sync ? 'default (synced)' : 'noSync'}`,
    survives: sync ? 'power' : 'process',
    sharedBy: 'one machine',
    inFiles: true,
    can: WITHOUT_TOUCH,
    describe: (directory, workload) => ({ kind: 'lmdb', directory, sync, workload }),
  }
}

/** The `connect-redis` package with a server on loopback. */
export function connectRedis(persistence: 'none' | 'everysec'): Store {
  return {
    name: persistence === 'none' ? 'connect-redis' : 'connect-redis-everysec',
    label: `connect-redis, ${persistence === 'none' ? 'no persistence' : 'appendfsync everysec'}`,
    survives: persistence === 'none' ? 'client' : 'power − 1 s',
    sharedBy: 'network',
    inFiles: persistence !== 'none',
    can: EVERYTHING,
    describe: (directory, workload) => ({ kind: 'connect-redis', directory, persistence, workload }),
  }
}

function sqlite(sync: boolean, from: string): Store {
  return {
    name: sync ? 'sqlite-full' : 'sqlite',
    label: `SQLite (${from}), WAL, synchronous ${sync ? 'FULL' : 'NORMAL'}`,
    survives: sync ? 'power' : 'process',
    sharedBy: 'one machine',
    inFiles: true,
    can: EVERYTHING,
    describe: (directory, workload) => ({ kind: 'sqlite', directory, sync, workload }),
  }
}

function writeFileAtomic(sync: boolean): Store {
  return {
    name: sync ? 'write-file-atomic' : 'write-file-atomic-nosync',
    label: `write-file-atomic, ${sync ? 'default (file synced)' : 'fsync off'}`,
    survives: 'process',
    sharedBy: 'one machine',
    inFiles: true,
    can: EVERYTHING,
    describe: (directory, workload) => ({ kind: 'write-file-atomic', directory, sync, workload }),
  }
}

const BY_HAND: Store = {
  name: 'fs-promises',
  label: 'fs.promises by hand',
  survives: 'process',
  sharedBy: 'one machine',
  inFiles: true,
  can: EVERYTHING,
  describe: (directory, workload) => ({ kind: 'fs-promises', directory, workload }),
}

const KEYV_FILE: Store = {
  name: 'keyv-file',
  label: 'keyv-file, one file for all',
  survives: 'process',
  sharedBy: 'one process',
  inFiles: true,
  can: WITHOUT_TOUCH,
  describe: (directory, workload) => ({ kind: 'keyv-file', directory, workload }),
}

function django(version: string): Store {
  return {
    name: 'django',
    label: `Django ${version} file backend, 1 process`,
    survives: 'process',
    sharedBy: 'one machine',
    inFiles: true,
    can: ['save', 'request'],
    describe: (directory, workload) => ({ kind: 'django', directory, workload }),
  }
}

let known: Field | undefined

/** Everybody but us who is here; looked for once, for it takes starting some of them. */
export function peers(): Field {
  known ??= findPeers()
  return known
}

function findPeers(): Field {
  const stores: Store[] = [MEMORY_STORE]
  const missing: string[] = []
  const add = (is: boolean, own: () => readonly Store[], hint: string): void => {
    if (is) stores.push(...own())
    else missing.push(`left out: ${hint}`)
  }
  add(
    hasRedisServer(),
    () => [connectRedis('none'), connectRedis('everysec')],
    'connect-redis, for there is no redis-server on the PATH; on Debian: apt install redis-server',
  )
  stores.push(SESSION_FILE_STORE, writeFileAtomic(false), writeFileAtomic(true), BY_HAND, KEYV_FILE)
  add(isInstalled('lmdb'), () => [lmdb(false), lmdb(true)], 'LMDB, which has no binary for this system')
  const from = findSqlite()
  add(
    from !== undefined,
    () => [sqlite(false, from ?? ''), sqlite(true, from ?? '')],
    'SQLite; Node 22.13 and newer have it, before: npm rebuild --prefix bench better-sqlite3, which needs a compiler',
  )
  const found = findDjango()
  add(
    found !== undefined,
    () => [django(found?.version ?? '')],
    'Django; on Debian: apt install python3-django, elsewhere: pip install django',
  )
  return { stores, missing }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url)(name)
    return true
  } catch {
    return false
  }
}
