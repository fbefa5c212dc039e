import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { hasCode } from '../../protocol/index.js'
import { READ_FLAGS } from '../peek.js'
import {
  DAMAGED_EXPIRY,
  longestRecord,
  RECORD_HEADER,
  type RecordHeader,
  readHeader,
  readRecord,
  UNREADABLE_EXPIRY,
} from '../record.js'
import { isTombstone } from '../tombstone.js'
import type { InspectionDepth } from './entries.js'

/** Looks at a record whose expiry a touch may be writing at this moment. */
const LOOKS = 4
/** The most that `maxRecordBytes` may be: which one the directory's engine has, nobody says. */
const LARGEST_PAYLOAD = 2 ** 28
/** Bytes of the longest key that a record may carry. */
const LONGEST_KEY = 512

/** A record, and what else its file tells. */
export interface FoundRecord {
  readonly kind: 'record'
  readonly header: RecordHeader
  /** Where the record carries it. */
  readonly key: string | undefined
  /** The later of the header's and the file's. */
  readonly expiry: number
  readonly stats: Stats
  /** Only when it is read whole. */
  readonly payload: Uint8Array | undefined
}

/** What stands in a session's place. */
export type SessionFile =
  | FoundRecord
  | { readonly kind: 'absent' }
  | { readonly kind: 'tombstone' | 'placeholder'; readonly stats: Stats }
  | { readonly kind: 'corrupt'; readonly reason: string }

/**
 * Looks at a session's file and changes nothing: never follows a link, never waits for a FIFO's writer, never allocates for
 * what is no record. A record that is not as long as it says is found out by its header alone; a wrong checksum is only
 * when it is read whole.
 *
 * This is the one place where an inspection knows what a record looks like.
 */
export function readSessionFile(path: string, depth: InspectionDepth): SessionFile {
  let descriptor: number
  try {
    descriptor = openSync(path, READ_FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'absent' }
    if (hasCode(error, 'ELOOP', 'EMLINK')) return corrupt('a symbolic link')
    if (hasCode(error, 'ENXIO')) return corrupt('a socket or device')
    throw error
  }
  try {
    const stats = fstatSync(descriptor)
    if (isTombstone(stats)) return { kind: 'tombstone', stats }
    if (!stats.isFile()) return corrupt('no regular file')
    if (stats.size === 0) return { kind: 'placeholder', stats }
    return readOpenFile(descriptor, stats, depth)
  } finally {
    closeSync(descriptor)
  }
}

function readOpenFile(descriptor: number, stats: Stats, depth: InspectionDepth): SessionFile {
  if (stats.size > longestRecord(LARGEST_PAYLOAD)) return corrupt('larger than any record')
  const header = settled(
    () => readHeader(readUpTo(descriptor, RECORD_HEADER)),
    (found) => typeof found !== 'string' && found.expiry === UNREADABLE_EXPIRY,
  )
  if (typeof header === 'string') return corrupt(header)
  const keyBytes = header.keyIncluded ? header.keyLength * 2 : 0
  const bodyAt = RECORD_HEADER + keyBytes
  if (keyBytes > LONGEST_KEY || stats.size !== bodyAt + header.payloadLength)
    return corrupt('not as long as it says')
  if (header.expiry === UNREADABLE_EXPIRY) return corrupt(DAMAGED_EXPIRY)
  if (depth === 'whole') return readWhole(descriptor, stats)
  const key = header.keyIncluded ? readUpTo(descriptor, bodyAt).toString('utf16le', RECORD_HEADER) : undefined
  return foundRecord(stats, header, key, undefined)
}

function readWhole(descriptor: number, stats: Stats): SessionFile {
  const record = settled(
    () => readRecord(readUpTo(descriptor, stats.size)),
    (found) => found === DAMAGED_EXPIRY,
  )
  if (typeof record === 'string') return corrupt(record)
  return foundRecord(stats, record, record.key, record.payload)
}

function foundRecord(
  stats: Stats,
  header: RecordHeader,
  key: string | undefined,
  payload: Uint8Array | undefined,
): FoundRecord {
  return { kind: 'record', header, key, expiry: Math.max(header.expiry, stats.mtimeMs), stats, payload }
}

/** Looks again while what was found is what a touch leaves half written. */
function settled<Found>(look: () => Found, isHalfWritten: (found: Found) => boolean): Found {
  let found = look()
  for (let again = 1; again < LOOKS && isHalfWritten(found); again++) found = look()
  return found
}

function readUpTo(descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const count = readSync(descriptor, bytes, length, size - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.subarray(0, length)
}

function corrupt(reason: string): SessionFile {
  return { kind: 'corrupt', reason }
}
