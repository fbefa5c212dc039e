import type { Stats } from 'node:fs'
import { type KeyDigest, Opcode, type RequestReader } from '../protocol/index.js'
import { moveExpiry } from './move-expiry.js'
import { decodeName, encodeName } from './names.js'
import { peekHeader } from './peek.js'
import {
  composeRecord,
  longestRecord,
  RECORD_HEADER,
  type RecordHeader,
  readRecord,
  writeHeader,
} from './record.js'
import type {
  ComposedVersion,
  RecordContent,
  RecordFormat,
  RecordOwner,
  RecordPlace,
  RecordStanding,
  StoredRecord,
  WriteOpcode,
} from './record-format.js'
import { isRecordOf } from './record-owner.js'
import { SEALED } from './seal-reasons.js'
import { isSameWrite } from './write-id.js'

/** Coatcheck's own records: a header over that of the slot, so that nothing is copied; see record.ts. */
export const OWN_FORMAT: RecordFormat = {
  names: { encode: encodeName, decode: decodeName, isTemporary: () => false },
  // A create links a whole file into place: nobody of ours leaves an empty one.
  placeholderLife: 0,
  hasHeader: true,
  longest: longestRecord,
  compose,
  isOwn({ place, writeId }) {
    return isSameWrite(peekHeader(place.file)?.header.writeId, writeId)
  },
  read,
  // The directory is ours alone, and other prefixes are told by the record.
  isForeign: (reason) => reason === SEALED,
  peek: peekHeader,
  isAliveByTime: ({ mtimeMs }, now) => mtimeMs > now,
  standing,
  moveExpiry,
  composeAlone,
}

/** The header is put in front of the payload where it lies. */
function compose<Where extends RecordPlace, What extends WriteOpcode>(
  request: RequestReader,
  opcode: What,
  key: string | KeyDigest,
  place: Where,
): ComposedVersion<Where, What> {
  const { expiry } = request
  const writeId = request.writeId
  const header: RecordHeader = {
    keyLength: key.length,
    payloadLength: request.payloadLength,
    expiry,
    writeId,
    codec: request.codec,
    keyIncluded: false,
    writtenByUpdate: opcode === Opcode.UPDATE || opcode === Opcode.REPLACE,
  }
  const retried = request.attempt > 0
  const payloadEnd = request.payloadStart + request.payloadLength
  if (place.keyInRecord && typeof key === 'string') {
    const bytes = composeRecord(key, request.bytes.subarray(request.payloadStart, payloadEnd), header)
    return { opcode, place, bytes, start: 0, end: bytes.length, expiry, fileTime: expiry, writeId, retried }
  }
  const start = request.payloadStart - RECORD_HEADER
  writeHeader(request.bytes, request.view, start, payloadEnd, header)
  return {
    opcode,
    place,
    bytes: request.bytes,
    start,
    end: payloadEnd,
    expiry,
    fileTime: expiry,
    writeId,
    retried,
  }
}

function composeAlone(key: string, { keyInRecord }: RecordPlace, content: RecordContent): Buffer {
  const { payload, ...fields } = content
  const header = { ...fields, keyLength: key.length, payloadLength: payload.length, keyIncluded: keyInRecord }
  return composeRecord(keyInRecord ? key : undefined, payload, header)
}

function read(bytes: Buffer, fileTime: number, owner?: RecordOwner): StoredRecord | string {
  const record = readRecord(bytes, fileTime)
  if (typeof record === 'string' || record.sealed !== true) return record
  // Of another prefix, it is nothing to tell of.
  return owner === undefined || !isRecordOf(owner, record) ? record : SEALED
}

/**
 * The expiry rides on the file's modification time. A time in the future is trusted at once. One in the past is not,
 * since copying a directory without its times sets them to now: then the header has its say, and the later of the two
 * counts.
 */
function standing(stats: Stats, file: string, now: number): RecordStanding {
  if (stats.mtimeMs > now) return 'alive'
  const header = peekHeader(file)
  return header !== undefined && header.header.expiry > now ? 'alive' : 'dead'
}
