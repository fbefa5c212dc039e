import type { Entry } from '../harness/interleave.js'
import type { Place } from '../harness/places.js'
import { hasRedisServer } from '../peers/redis-server.js'
import type { RawProtocol } from '../raw/protocols.js'
import { coatcheckJournal, lmdb } from './journal-entries.js'

/** Lines of the comparison, and what could not be in it. */
export interface EntryList {
  readonly entries: Entry[]
  readonly missing: string[]
}

function threadCount(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`
}

function raw(place: Place, protocol: RawProtocol, threads: number): Entry {
  const id = `${protocol === 'django' ? 'raw' : 'lean'}-${threads}@${place.name}`
  const label = `raw system calls${protocol === 'lean' ? ' without the check' : ''}, ${threadCount(threads)}`
  const description = { kind: 'raw', directory: `${place.directory}/${id}`, threads, protocol } as const
  return { id, label, place: place.name, description }
}

/** Ours, one file per save, with so many threads. */
export function coatcheck(place: Place, threads: number, fsync = false): Entry {
  const id = `coatcheck-${threads}${fsync ? '-fsync' : ''}@${place.name}`
  const label = `coatcheck direct${fsync ? ' + fsync' : ''}, ${threadCount(threads)}`
  const description = { kind: 'coatcheck', directory: `${place.directory}/${id}`, threads, fsync } as const
  return { id, label, place: place.name, description }
}

/** The same, and every session is sealed. */
function coatcheckSealed(place: Place, threads: number): Entry {
  const id = `coatcheck-${threads}-sealed@${place.name}`
  const label = `coatcheck direct, sealed, ${threadCount(threads)}`
  const directory = `${place.directory}/${id}`
  const description = { kind: 'coatcheck', directory, threads, sealed: true } as const
  return { id, label, place: place.name, description }
}

function coatcheckExpress(place: Place, threads: number): Entry {
  const id = `express-${threads}@${place.name}`
  const label = `coatcheck as Express store, ${threadCount(threads)}`
  const description = { kind: 'coatcheck-express', directory: `${place.directory}/${id}`, threads } as const
  return { id, label, place: place.name, description }
}

/** The `session-file-store` package. */
export function sessionFileStore(place: Place): Entry {
  const id = `session-file-store@${place.name}`
  const description = { kind: 'session-file-store', directory: `${place.directory}/${id}` } as const
  return { id, label: 'session-file-store', place: place.name, description }
}

/** Everybody who takes part in `save`. */
export function saveEntries(places: readonly Place[]): EntryList {
  const entries: Entry[] = []
  for (const place of places) {
    entries.push(raw(place, 'django', 1), raw(place, 'django', 2), raw(place, 'lean', 1))
    entries.push(coatcheck(place, 1), coatcheck(place, 2), coatcheckSealed(place, 2))
    // Where nothing outlives the power, there is nothing to sync.
    if (place.name === 'disk') entries.push(coatcheck(place, 2, true))
    entries.push(coatcheckExpress(place, 2), sessionFileStore(place))
    if (place.name === 'disk') entries.push(...journalOnDisk(place))
  }
  entries.push({
    id: 'memory-store',
    label: 'express-session MemoryStore',
    place: undefined,
    description: { kind: 'memory-store' },
  })
  const server = redis(places)
  return { entries: [...entries, ...server.entries], missing: server.missing }
}

/** Those lines of the journal that its goals are about; `journal` has the others. */
function journalOnDisk(place: Place): Entry[] {
  return [
    coatcheckJournal(place, false, 'hot'),
    coatcheckJournal(place, true, 'hot'),
    lmdb(place, false, 'hot'),
    lmdb(place, true, 'hot'),
    coatcheckJournal(place, false, 'turn'),
    lmdb(place, false, 'turn'),
    coatcheckJournal(place, false, 'load'),
  ]
}

/** `connect-redis`, where there is a server for it. */
export function redis(places: readonly Place[]): EntryList {
  const home = places[0]
  if (home === undefined || !hasRedisServer()) {
    const hint = 'connect-redis: there is no redis-server on the PATH; on Debian: apt install redis-server'
    return { entries: [], missing: [hint] }
  }
  const description = { kind: 'connect-redis', directory: `${home.directory}/redis` } as const
  const label = 'connect-redis, loopback, no persistence'
  return { entries: [{ id: 'connect-redis', label, place: undefined, description }], missing: [] }
}

/**
 * Those whose id contains one of the given words; all, without words.
 * @throws {Error} listing the ids, when there is none
 */
export function only(entries: readonly Entry[], words: readonly string[]): Entry[] {
  if (words.length === 0) return [...entries]
  const chosen = entries.filter(({ id }) => words.some((word) => id.includes(word)))
  if (chosen.length === 0) {
    throw new Error(
      `none of the names contains ${words.join(' or ')}: ${entries.map(({ id }) => id).join(', ')}`,
    )
  }
  return chosen
}
