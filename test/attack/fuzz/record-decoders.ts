import { closeSync, openSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { Layout } from '#dist/workers/files/layout.js'
import { livenessOfPlace } from '#dist/workers/files/liveness.js'
import { readPlace } from '#dist/workers/files/load.js'
import { OWN_FORMAT } from '#dist/workers/files/own-format.js'
import { keyHash } from '#dist/workers/protocol/index.js'
import {
  composeExpiry,
  composeRecord,
  EXPIRY_OFFSET,
  LONGEST_KEY,
  RECORD_HEADER,
  type ReadRecord,
  type RecordHeader,
  readRecord,
} from '#dist/workers/record/record.js'
import { SEAL_BYTES } from '#dist/workers/seal/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { workerOptions } from '../../workers/files/storage-driver.js'
import { type Decoder, expect } from './decoder.js'
import type { Random } from './random.js'

const SOON = Date.now() + 3_600_000
const KEY = 'k'.repeat(32)
const LARGEST = 4096

const HEADER: RecordHeader = {
  keyLength: KEY.length,
  payloadLength: 0,
  expiry: SOON,
  writeId: [1, 2],
  codec: 1,
  keyIncluded: false,
  writtenByUpdate: false,
}

function record(payload: Buffer, key?: string, header: Partial<RecordHeader> = {}): Buffer {
  return composeRecord(key, payload, { ...HEADER, payloadLength: payload.length, ...header })
}

const SEEDS: readonly Buffer[] = [
  record(Buffer.from('{"user":42}')),
  record(Buffer.alloc(0)),
  record(Buffer.alloc(1000, 'x'), KEY),
  record(Buffer.from('long'), '\ud800\u4e2d'.repeat(100), { keyLength: 200 }),
  record(Buffer.from('late'), undefined, { writtenByUpdate: true, expiry: 1 }),
  record(Buffer.alloc(LARGEST, 7)),
]

/** Makes checksums right again, and now and then what else a record begins with. */
export function repairRecord(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < RECORD_HEADER) return bytes
  if (random.below(2) === 0) bytes.writeUInt32LE(0x4b435443, 0)
  if (random.below(2) === 0) bytes[16] = 1
  if (random.below(2) === 0) bytes.set(composeExpiry(random.below(4) === 0 ? 0 : SOON), EXPIRY_OFFSET)
  // The length that it says becomes the one that it has, now and then.
  if (random.below(3) > 0) {
    const isKeyed = ((bytes[17] ?? 0) & 1) !== 0
    const rest = bytes.length - RECORD_HEADER - (isKeyed ? bytes.readUInt16LE(18) * 2 : 0)
    if (rest >= 0) bytes.writeUInt32LE(rest, 20)
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(16)), 4)
  return bytes
}

function check(bytes: Buffer, { keyIncluded, keyLength, payload, expiry }: ReadRecord): void {
  expect(crc32(bytes.subarray(16)) === bytes.readUInt32LE(4), 'a record with a wrong checksum was read')
  const keyBytes = keyIncluded ? 2 * keyLength : 0
  expect(RECORD_HEADER + keyBytes + payload.length === bytes.length, 'a record of another length was read')
  expect(Number.isFinite(expiry) && expiry >= 0, 'a record expires at no moment')
}

/** The record's decoder alone. */
export function recordDecoder(): Decoder {
  return {
    seeds: SEEDS,
    repair: repairRecord,
    feed(bytes) {
      const found = readRecord(bytes)
      if (typeof found === 'string') return found.replace(/[0-9]+/, 'another')
      check(bytes, found)
      return 'record'
    },
  }
}

/** All that workers do with a file that stands in a session's place. */
export function fileDecoder(): Decoder {
  const options = workerOptions({
    directory: temporaryDirectory('memory'),
    layout: 'flat',
    maxRecordBytes: LARGEST,
  })
  const place = new Layout(options).place(KEY, keyHash(KEY))
  return {
    seeds: [...SEEDS, record(Buffer.alloc(LARGEST + LONGEST_KEY + 1, 9))],
    repair: repairRecord,
    feed(bytes) {
      writeFileSync(place.file, bytes)
      const now = Date.now()
      const found = readPlace(place, KEY, LARGEST, now)
      const peeked = OWN_FORMAT.peek(place.file)
      livenessOfPlace(place, now)
      const descriptor = openSync(place.file, 'r+')
      try {
        OWN_FORMAT.moveExpiry(
          descriptor,
          { mtimeMs: now - 1000, size: bytes.length } as never,
          { key: KEY, expiry: now + 1000 },
          now,
        )
      } finally {
        closeSync(descriptor)
      }
      if (found.kind !== 'record') return found.kind
      const { payload, keyLength, key } = found.record
      expect(payload.length <= LARGEST + LONGEST_KEY + SEAL_BYTES, 'a record past the limit was read')
      expect(
        keyLength === KEY.length && (key === undefined || key === KEY),
        'a record of another key was read',
      )
      expect(peeked !== undefined, 'a record was read that nobody can look into')
      expect(crc32(bytes.subarray(16)) === bytes.readUInt32LE(4), 'a record with a wrong checksum was read')
      return 'record'
    },
  }
}
