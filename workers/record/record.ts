import { crc32 } from 'node:zlib'
import { SLOT_HEADER } from '../protocol/index.js'
import { SEAL_BYTES } from '../seal/index.js'
import type { WriteId } from './write-id.js'

/*
 * A record, little-endian:
 *
 *   0  magic "CTCK"            4  u32 CRC-32 of all from 16 on
 *   8  u48 expiry, ms since the epoch                                  14  u16 check of the expiry
 *  16  u8 format version, u8 flags, u16 key length (UTF-16 units)      20  u32 payload bytes
 *  24  u32 write id, low      28  u32 write id, high
 *  32  u32 codec              36  u32 hash of the key where nothing else tells whose it is, else 0
 *  40  key as UTF-16, if the flags say so, then the payload, to the end of the file
 *
 * The expiry is guarded by itself: a touch that shortens a life writes these eight bytes, and nothing else, into a
 * file that others read. The key length tells sessions of two applications apart whose prefixes start alike. The
 * write id tells a create that is tried again whether the record in its way is its own. Where the flags say that the
 * payload is sealed, it is what sealed-records.ts has made of the session's bytes, and "payload bytes" its length.
 */

const MAGIC = 0x4b435443
const FORMAT = 1
const KEY_INCLUDED = 1
const WRITTEN_BY_UPDATE = 2
const SEALED = 4
/** Bytes in front of key and payload; as many as a slot has there, so that the one can be written over the other. */
export const RECORD_HEADER = SLOT_HEADER
/** The longest key, in bytes, that a record may carry. */
export const LONGEST_KEY = 512
/** Where a hash of the key is, in records that come over a connection and not out of a file; 0 where it is not told. */
export const KEY_HASH_OFFSET = 36
/** Where the expiry and its check are. */
export const EXPIRY_OFFSET = 8
const EXPIRY_BYTES = 8
/** Where that begins which the CRC guards: what no touch changes. */
export const GUARDED_OFFSET = EXPIRY_OFFSET + EXPIRY_BYTES
/** In the year 10889. */
const LATEST_EXPIRY = 2 ** 48 - 1
/** The expiry of a record whose own is damaged, or half written at this moment: nothing may take it for dead. */
export const UNREADABLE_EXPIRY = Number.POSITIVE_INFINITY
/** What {@link readRecord} says of such a record: to be read once more. */
export const DAMAGED_EXPIRY = 'expiry does not match its check'

/** The header of a record, without what only guards it. */
export interface RecordHeader {
  readonly keyLength: number
  readonly payloadLength: number
  /** Milliseconds since the epoch, kept without their fraction. */
  readonly expiry: number
  readonly writeId: WriteId
  readonly codec: number
  /** See {@link KEY_HASH_OFFSET}. */
  readonly keyHash?: number
  readonly keyIncluded: boolean
  /** An update put it there: only over a session, so where there was none it came too late. */
  readonly writtenByUpdate: boolean
  /** The payload is sealed. Absent: it is not. */
  readonly sealed?: boolean
}

/** What a record is made of besides its key. */
export interface RecordContent {
  readonly payload: Uint8Array
  /** Milliseconds since the epoch. */
  readonly expiry: number
  readonly writeId: WriteId
  readonly codec: number
  readonly writtenByUpdate: boolean
}

/** A record read back whole; what is sealed is not opened. */
export interface ReadRecord extends RecordHeader {
  /** Only where the record carries it. */
  readonly key: string | undefined
  readonly payload: Buffer
}

/** The largest file that can be a record, a sealed one of somebody else's included: that is none to be moved aside. */
export function longestRecord(maxRecordBytes: number): number {
  return RECORD_HEADER + LONGEST_KEY + maxRecordBytes + SEAL_BYTES
}

/**
 * Writes the header in front of a body that already lies at `start + RECORD_HEADER`, and seals both by the CRC. `view`
 * shows the same memory as `bytes`.
 */
export function writeHeader(
  bytes: Buffer,
  view: DataView,
  start: number,
  end: number,
  header: RecordHeader,
): void {
  writeFields(view, start, header)
  writeChecksum(bytes, view, start, end)
}

/** All of a header but the CRC, which is over what lies behind it, too. */
export function writeFields(view: DataView, start: number, header: RecordHeader): void {
  view.setUint32(start, MAGIC, true)
  writeExpiry(view, start + EXPIRY_OFFSET, header.expiry)
  view.setUint8(start + 16, FORMAT)
  view.setUint8(
    start + 17,
    (header.keyIncluded ? KEY_INCLUDED : 0) |
      (header.writtenByUpdate ? WRITTEN_BY_UPDATE : 0) |
      (header.sealed === true ? SEALED : 0),
  )
  view.setUint16(start + 18, header.keyLength, true)
  view.setUint32(start + 20, header.payloadLength, true)
  view.setUint32(start + 24, header.writeId[0], true)
  view.setUint32(start + 28, header.writeId[1], true)
  view.setUint32(start + 32, header.codec, true)
  view.setUint32(start + KEY_HASH_OFFSET, header.keyHash ?? 0, true)
}

/** The CRC of a record whose other bytes are all there. */
export function writeChecksum(bytes: Buffer, view: DataView, start: number, end: number): void {
  view.setUint32(start + 4, crc32(bytes.subarray(start + GUARDED_OFFSET, end)), true)
}

function writeExpiry(view: DataView, at: number, expiry: number): void {
  const whole = Math.min(Math.max(0, Math.floor(expiry)), LATEST_EXPIRY)
  const low = whole >>> 0
  const high = Math.floor(whole / 2 ** 32)
  view.setUint32(at, low, true)
  view.setUint16(at + 4, high, true)
  view.setUint16(at + 6, expiryCheck(low, high), true)
}

/** Odd factors: none of the three words can change alone, by however little, without changing the check. */
function expiryCheck(low: number, high: number): number {
  return ((low & 0xffff) + 3 * (low >>> 16) + 5 * high + 0x5a5a) & 0xffff
}

/** The bytes that lie at {@link EXPIRY_OFFSET} of a record with this expiry. */
export function composeExpiry(expiry: number): Uint8Array {
  const bytes = new Uint8Array(EXPIRY_BYTES)
  writeExpiry(new DataView(bytes.buffer), 0, expiry)
  return bytes
}

function readExpiry(bytes: Buffer): number {
  const low = bytes.readUInt32LE(EXPIRY_OFFSET)
  const high = bytes.readUInt16LE(EXPIRY_OFFSET + 4)
  if (bytes.readUInt16LE(EXPIRY_OFFSET + 6) !== expiryCheck(low, high)) return UNREADABLE_EXPIRY
  return high * 2 ** 32 + low
}

/** A record of its own, for keys that their file name does not tell. */
export function composeRecord(key: string | undefined, payload: Uint8Array, header: RecordHeader): Buffer {
  const keyBytes = key === undefined ? Buffer.alloc(0) : Buffer.from(key, 'utf16le')
  const record = Buffer.allocUnsafe(RECORD_HEADER + keyBytes.length + payload.length)
  record.set(keyBytes, RECORD_HEADER)
  record.set(payload, RECORD_HEADER + keyBytes.length)
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  const { keyLength, payloadLength, expiry, writeId, codec, writtenByUpdate, sealed = false } = header
  const keyIncluded = key !== undefined
  writeHeader(record, view, 0, record.length, {
    keyLength,
    payloadLength,
    expiry,
    writeId,
    codec,
    keyIncluded,
    writtenByUpdate,
    sealed,
  })
  return record
}

/**
 * The header at the beginning of `bytes`, unchecked by the CRC; a reason in words when it is none of ours. Only the
 * expiry has been checked: see {@link UNREADABLE_EXPIRY}.
 */
export function readHeader(bytes: Buffer): RecordHeader | string {
  if (bytes.length < RECORD_HEADER) return 'shorter than a record header'
  if (bytes.readUInt32LE(0) !== MAGIC) return 'no session record'
  if (bytes[16] !== FORMAT) return `record format ${bytes[16]}, known is ${FORMAT}`
  const flags = bytes.readUInt8(17)
  return {
    keyIncluded: (flags & KEY_INCLUDED) !== 0,
    writtenByUpdate: (flags & WRITTEN_BY_UPDATE) !== 0,
    sealed: (flags & SEALED) !== 0,
    keyLength: bytes.readUInt16LE(18),
    payloadLength: bytes.readUInt32LE(20),
    expiry: readExpiry(bytes),
    writeId: [bytes.readUInt32LE(24), bytes.readUInt32LE(28)],
    codec: bytes.readUInt32LE(32),
  }
}

/**
 * A whole record, checked, whose file has this time; a reason in words when it is torn, damaged or none of ours. Of the
 * expiry in its header and the one on its file the later counts.
 */
export function readRecord(bytes: Buffer, fileTime = 0): ReadRecord | string {
  const header = readHeader(bytes)
  if (typeof header === 'string') return header
  const keyBytes = header.keyIncluded ? header.keyLength * 2 : 0
  if (bytes.length !== RECORD_HEADER + keyBytes + header.payloadLength) return 'not as long as it says'
  if (crc32(bytes.subarray(GUARDED_OFFSET)) !== bytes.readUInt32LE(4)) return 'checksum does not match'
  if (header.expiry === UNREADABLE_EXPIRY) return DAMAGED_EXPIRY
  const payloadAt = RECORD_HEADER + keyBytes
  const { payloadLength, writeId, codec, keyIncluded, writtenByUpdate, sealed = false } = header
  return {
    keyLength: header.keyLength,
    payloadLength,
    expiry: Math.max(header.expiry, fileTime),
    writeId,
    codec,
    keyIncluded,
    writtenByUpdate,
    sealed,
    key: header.keyIncluded ? bytes.toString('utf16le', RECORD_HEADER, payloadAt) : undefined,
    payload: bytes.subarray(payloadAt),
  }
}
