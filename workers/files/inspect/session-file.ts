import { closeSync, fstatSync, openSync, type Stats } from 'node:fs'
import { hasCode } from '../../protocol/index.js'
import type { RecordOwner } from '../../record/owner.js'
import {
  DAMAGED_EXPIRY,
  LONGEST_KEY,
  RECORD_HEADER,
  readHeader,
  UNREADABLE_EXPIRY,
} from '../../record/record.js'
import { SEAL_BYTES } from '../../seal/index.js'
import { settled } from '../half-written.js'
import { READ_FLAGS } from '../open-flags.js'
import { readInto } from '../read-whole.js'
import type { RecordFormat } from '../record-format.js'
import { isTombstone } from '../tombstone.js'
import type { InspectionDepth } from './entries.js'

/** The most that `maxRecordBytes` may be: which one the directory's engine has, nobody says. */
export const LARGEST_PAYLOAD = 2 ** 28
/** The same for files without a header that tells how long they should be: those are read before they are known. */
export const LARGEST_WITHOUT_HEADER = 2 ** 24

/** A record, and what else its file tells. */
export interface FoundRecord {
  readonly kind: 'record'
  /** Of its key, in UTF-16 units; `undefined` where records do not tell. */
  readonly keyLength: number | undefined
  /** Where the record carries it. */
  readonly key: string | undefined
  /** The effective one: milliseconds since the epoch. */
  readonly expiry: number
  readonly codec: number
  /** Of the payload. */
  readonly bytes: number
  readonly stats: Stats
  /** Only when it is read whole, and not of one that is sealed where no keys are known. */
  readonly payload: Uint8Array | undefined
  /** Sealed, and not opened. */
  readonly closed: boolean
}

/** What stands in a session's place. */
export type SessionFile =
  | FoundRecord
  | { readonly kind: 'absent' }
  | { readonly kind: 'tombstone' | 'placeholder'; readonly stats: Stats }
  | { readonly kind: 'corrupt'; readonly reason: string }

/**
 * Looks at a session's file and changes nothing: never follows a link, never waits for a FIFO's writer, never allocates for
 * what is no record. One of our own that is not as long as it says is found out by its header alone; a wrong checksum is
 * only when it is read whole. Records of other formats have no header: they are read whole in any case.
 *
 * @param owner Whose record it is to be: only so can it be opened if it is sealed.
 */
export function readSessionFile(
  path: string,
  format: RecordFormat,
  depth: InspectionDepth,
  owner?: RecordOwner,
): SessionFile {
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
    const largest = format.hasHeader ? LARGEST_PAYLOAD : LARGEST_WITHOUT_HEADER
    if (stats.size > format.longest(largest)) return corrupt('larger than any record')
    if (!format.hasHeader) return readWhole(descriptor, format, stats, owner)
    const found = readOwnHeader(descriptor, stats)
    if (depth === 'header' || found.kind !== 'record') return found
    // Without keys its checksum is all that can be checked.
    if (found.closed && format.reseal === undefined)
      return checked(found, readWhole(descriptor, format, stats))
    return readWhole(descriptor, format, stats, owner)
  } finally {
    closeSync(descriptor)
  }
}

function readOwnHeader(descriptor: number, stats: Stats): SessionFile {
  const header = settled(
    () => readHeader(readUpTo(descriptor, RECORD_HEADER)),
    (found) => typeof found !== 'string' && found.expiry === UNREADABLE_EXPIRY,
  )
  if (typeof header === 'string') return corrupt(header)
  const { keyIncluded, keyLength, payloadLength, codec, sealed: closed = false } = header
  const bodyAt = RECORD_HEADER + (keyIncluded ? keyLength * 2 : 0)
  if (bodyAt > RECORD_HEADER + LONGEST_KEY || stats.size !== bodyAt + payloadLength)
    return corrupt('not as long as it says')
  if (header.expiry === UNREADABLE_EXPIRY) return corrupt(DAMAGED_EXPIRY)
  const key = keyIncluded ? readUpTo(descriptor, bodyAt).toString('utf16le', RECORD_HEADER) : undefined
  const expiry = Math.max(header.expiry, stats.mtimeMs)
  const bytes = closed ? Math.max(0, payloadLength - SEAL_BYTES) : payloadLength
  return { kind: 'record', keyLength, key, expiry, codec, bytes, stats, payload: undefined, closed }
}

function checked(found: FoundRecord, whole: SessionFile): SessionFile {
  return whole.kind === 'record' ? found : whole
}

function readWhole(descriptor: number, format: RecordFormat, stats: Stats, owner?: RecordOwner): SessionFile {
  const record = settled(
    () => format.read(readUpTo(descriptor, stats.size), stats.mtimeMs, owner),
    (found) => found === DAMAGED_EXPIRY,
  )
  if (typeof record === 'string') return corrupt(record)
  const { keyLength, key, expiry, codec, payload } = record
  return {
    kind: 'record',
    keyLength,
    key,
    expiry,
    codec,
    bytes: payload.length,
    stats,
    payload,
    closed: false,
  }
}

function readUpTo(descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  return bytes.subarray(0, readInto(bytes, descriptor, size))
}

function corrupt(reason: string): SessionFile {
  return { kind: 'corrupt', reason }
}
