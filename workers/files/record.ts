import { crc32 } from 'node:zlib'
import { SLOT_HEADER } from '../protocol/index.js'

/*
 * A record, little-endian:
 *
 *   0  magic "CTCK"            4  u32 CRC-32 of all that follows
 *   8  u8 format version, u8 flags, u16 key length (UTF-16 units)      12  u32 payload bytes
 *  16  f64 expiry, ms since the epoch
 *  24  u32 write id, low      28  u32 write id, high
 *  32  u32 codec              36  u32 0
 *  40  key as UTF-16, if the flags say so, then the payload, to the end of the file
 *
 * The key length tells sessions of two applications apart whose prefixes start alike. The write id tells a
 * create that is tried again whether the record in its way is its own.
 */

const MAGIC = 0x4b435443
const FORMAT = 1
const KEY_INCLUDED = 1
const WRITTEN_BY_UPDATE = 2
/** Bytes in front of key and payload; as many as a slot has there, so that the one can be written over the other. */
export const RECORD_HEADER = SLOT_HEADER
/** The longest key, in bytes, that a record may carry. */
const LONGEST_KEY = 512

/** The header of a record, without what only guards it. */
export interface RecordHeader {
  readonly keyLength: number
  readonly payloadLength: number
  readonly expiry: number
  readonly writeId: readonly [low: number, high: number]
  readonly codec: number
  readonly keyIncluded: boolean
  /** An update put it there: only over a session, so where there was none it came too late. */
  readonly writtenByUpdate: boolean
}

/** A record read back whole. */
export interface ReadRecord extends RecordHeader {
  /** Only where the record carries it. */
  readonly key: string | undefined
  readonly payload: Uint8Array
}

/** The largest file that can be a record. */
export function longestRecord(maxRecordBytes: number): number {
  return RECORD_HEADER + LONGEST_KEY + maxRecordBytes
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
  view.setUint32(start, MAGIC, true)
  view.setUint8(start + 8, FORMAT)
  view.setUint8(
    start + 9,
    (header.keyIncluded ? KEY_INCLUDED : 0) | (header.writtenByUpdate ? WRITTEN_BY_UPDATE : 0),
  )
  view.setUint16(start + 10, header.keyLength, true)
  view.setUint32(start + 12, header.payloadLength, true)
  view.setFloat64(start + 16, header.expiry, true)
  view.setUint32(start + 24, header.writeId[0], true)
  view.setUint32(start + 28, header.writeId[1], true)
  view.setUint32(start + 32, header.codec, true)
  view.setUint32(start + 36, 0, true)
  view.setUint32(start + 4, crc32(bytes.subarray(start + 8, end)), true)
}

/** A record of its own, for keys that their file name does not tell and for rewrites. */
export function composeRecord(key: string | undefined, payload: Uint8Array, header: RecordHeader): Buffer {
  const keyBytes = key === undefined ? Buffer.alloc(0) : Buffer.from(key, 'utf16le')
  const record = Buffer.allocUnsafe(RECORD_HEADER + keyBytes.length + payload.length)
  record.set(keyBytes, RECORD_HEADER)
  record.set(payload, RECORD_HEADER + keyBytes.length)
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  writeHeader(record, view, 0, record.length, { ...header, keyIncluded: key !== undefined })
  return record
}

/** The header at the beginning of `bytes`, unchecked by the CRC; a reason in words when it is none of ours. */
export function readHeader(bytes: Buffer): RecordHeader | string {
  if (bytes.length < RECORD_HEADER) return 'shorter than a record header'
  if (bytes.readUInt32LE(0) !== MAGIC) return 'no session record'
  if (bytes[8] !== FORMAT) return `record format ${bytes[8]}, known is ${FORMAT}`
  return {
    keyIncluded: ((bytes[9] ?? 0) & KEY_INCLUDED) !== 0,
    writtenByUpdate: ((bytes[9] ?? 0) & WRITTEN_BY_UPDATE) !== 0,
    keyLength: bytes.readUInt16LE(10),
    payloadLength: bytes.readUInt32LE(12),
    expiry: bytes.readDoubleLE(16),
    writeId: [bytes.readUInt32LE(24), bytes.readUInt32LE(28)],
    codec: bytes.readUInt32LE(32),
  }
}

/** A whole record, checked; a reason in words when it is torn, damaged or none of ours. */
export function readRecord(bytes: Buffer): ReadRecord | string {
  const header = readHeader(bytes)
  if (typeof header === 'string') return header
  const keyBytes = header.keyIncluded ? header.keyLength * 2 : 0
  if (bytes.length !== RECORD_HEADER + keyBytes + header.payloadLength) return 'not as long as it says'
  if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return 'checksum does not match'
  const payloadAt = RECORD_HEADER + keyBytes
  return {
    ...header,
    key: header.keyIncluded ? bytes.toString('utf16le', RECORD_HEADER, payloadAt) : undefined,
    payload: bytes.subarray(payloadAt),
  }
}
