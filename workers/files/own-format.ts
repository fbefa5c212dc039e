import type { Stats } from 'node:fs'
import type { KeyDigest, RequestReader } from '../protocol/index.js'
import { composeInPlace, headerOfSlot, readPlain } from '../record/plain-records.js'
import { composeRecord, longestRecord, type RecordContent } from '../record/record.js'
import { SEALED } from '../record/seal-reasons.js'
import { isSameWrite } from '../record/write-id.js'
import { moveExpiry } from './move-expiry.js'
import { decodeName, encodeName } from './names.js'
import { peekHeader } from './peek.js'
import type {
  ComposedVersion,
  RecordFormat,
  RecordPlace,
  RecordStanding,
  WriteOpcode,
} from './record-format.js'

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
  read: readPlain,
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
  const header = headerOfSlot(request, opcode, key.length)
  const { expiry, writeId } = header
  const retried = request.attempt > 0
  if (place.keyInRecord && typeof key === 'string') {
    const { bytes: slot, payloadStart, payloadLength } = request
    const bytes = composeRecord(key, slot.subarray(payloadStart, payloadStart + payloadLength), header)
    return { opcode, place, bytes, start: 0, end: bytes.length, expiry, fileTime: expiry, writeId, retried }
  }
  const { start, end } = composeInPlace(request, header)
  // Written out, as every object of a hot path: what is added behind `...` costs V8 0.7 µs each.
  return { opcode, place, bytes: request.bytes, start, end, expiry, fileTime: expiry, writeId, retried }
}

function composeAlone(key: string, { keyInRecord }: RecordPlace, content: RecordContent): Buffer {
  const { payload, expiry, writeId, codec, writtenByUpdate } = content
  const { length: payloadLength } = payload
  return composeRecord(keyInRecord ? key : undefined, payload, {
    keyLength: key.length,
    payloadLength,
    expiry,
    writeId,
    codec,
    keyIncluded: keyInRecord,
    writtenByUpdate,
  })
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
