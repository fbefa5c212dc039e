import { closeSync, fstatSync, openSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { isRecordOf } from '../record/owner.js'
import { DAMAGED_EXPIRY } from '../record/record.js'
import { waitForClaim } from './claim.js'
import { settled } from './half-written.js'
import type { Place } from './layout.js'
import { READ_FLAGS } from './open-flags.js'
import { readWhole } from './read-whole.js'
import { LARGER_THAN_ANY, type StoredRecord } from './record-format.js'
import { isTombstone } from './tombstone.js'

/** What was found in a session's place. */
export type Found =
  | { readonly kind: 'absent' }
  | { readonly kind: 'record'; readonly record: StoredRecord; readonly expiry: number }
  | Corrupt

/** Something that is no session: `seen` says which file, so that no newer one is moved aside for it, if it is. */
export interface Corrupt {
  readonly kind: 'corrupt'
  readonly reason: string
  readonly seen: Stats | undefined
}

const ABSENT: Found = { kind: 'absent' }

/**
 * Reads the session of a place: open, fstat, read, close. Never follows a link, never waits for a FIFO's writer,
 * never allocates for a file that is larger than a record can be.
 *
 * The payload lies in a buffer that the next call overwrites. Without a key, the record may be of any, and what is sealed
 * is not opened.
 */
export function readPlace(place: Place, key: string | undefined, maxRecordBytes: number, now: number): Found {
  const found = readAtOnce(place, key, maxRecordBytes, now)
  if (found !== ABSENT) return found
  waitForClaim(place)
  return readAtOnce(place, key, maxRecordBytes, now)
}

/** The same for whoever holds the claim of the place, and must not wait for it. */
export function readAtOnce(
  place: Place,
  key: string | undefined,
  maxRecordBytes: number,
  now: number,
): Found {
  const { format } = place
  let descriptor: number
  try {
    descriptor = openSync(place.file, READ_FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ABSENT
    if (hasCode(error, 'ELOOP', 'EMLINK')) return corrupt('a symbolic link', undefined)
    if (hasCode(error, 'ENXIO')) return corrupt('a socket or device', undefined)
    throw error
  }
  try {
    const stats = fstatSync(descriptor)
    if (isTombstone(stats)) return ABSENT
    if (!stats.isFile()) return corrupt('no regular file', stats)
    if (stats.size === 0) return ABSENT
    if (stats.size > format.longest(maxRecordBytes)) return corrupt(LARGER_THAN_ANY, stats)
    const record = settled(
      () => format.read(readWhole(descriptor, stats.size), stats.mtimeMs, key),
      (found) => found === DAMAGED_EXPIRY,
    )
    if (typeof record === 'string') return corrupt(record, stats)
    // Another application's session whose prefix begins with ours reads as a key of another length.
    if (key !== undefined && !isRecordOf(key, record)) return ABSENT
    return record.expiry > now ? { kind: 'record', record, expiry: record.expiry } : ABSENT
  } finally {
    closeSync(descriptor)
  }
}

function corrupt(reason: string, seen: Stats | undefined): Corrupt {
  return { kind: 'corrupt', reason, seen }
}
