import { readSync, type Stats } from 'node:fs'
import { type KeyDigest, Opcode, type RequestReader } from '../protocol/index.js'
import type { RecordOwner } from '../record/owner.js'
import { LONGEST_KEY, longestRecord, RECORD_HEADER, type RecordContent } from '../record/record.js'
import { isSealReason } from '../record/seal-reasons.js'
import { SealedRecords } from '../record/sealed-records.js'
import { KEY_ID_BYTES, type SealBinding } from '../seal/index.js'
import { OWN_FORMAT } from './own-format.js'
import { lookInto } from './peek.js'
import type {
  ComposedVersion,
  RecordFormat,
  RecordPlace,
  RecordStanding,
  StoredRecord,
  WriteOpcode,
} from './record-format.js'

/** What is read of a file to see which key it was sealed with. */
const LONGEST_START = RECORD_HEADER + LONGEST_KEY + KEY_ID_BYTES

/** Coatcheck's own records, their payloads sealed. */
export class SealedFormat implements RecordFormat {
  readonly names = OWN_FORMAT.names
  readonly placeholderLife = OWN_FORMAT.placeholderLife
  readonly hasHeader = true
  readonly longest = longestRecord
  readonly isOwn = OWN_FORMAT.isOwn
  readonly isForeign = isSealReason
  readonly peek = OWN_FORMAT.peek
  readonly isAliveByTime = OWN_FORMAT.isAliveByTime
  readonly moveExpiry = OWN_FORMAT.moveExpiry
  readonly #records: SealedRecords
  readonly #start = Buffer.alloc(LONGEST_START)

  constructor(seal: SealBinding) {
    this.#records = new SealedRecords(seal)
  }

  /** In memory of its own: the batch's bytes stay as they are, for loads that are answered from them. */
  compose<Where extends RecordPlace, What extends WriteOpcode>(
    request: RequestReader,
    opcode: What,
    key: string | KeyDigest,
    place: Where,
  ): ComposedVersion<Where, What> {
    const { payloadStart, payloadLength, expiry, writeId, codec } = request
    const payload = request.bytes.subarray(payloadStart, payloadStart + payloadLength)
    const writtenByUpdate = opcode === Opcode.UPDATE || opcode === Opcode.REPLACE
    const bytes = this.composeAlone(key, place, { payload, expiry, writeId, codec, writtenByUpdate })
    const retried = request.attempt > 0
    return { opcode, place, bytes, start: 0, end: bytes.length, expiry, fileTime: expiry, writeId, retried }
  }

  composeAlone(key: string | KeyDigest, { keyInRecord }: RecordPlace, content: RecordContent): Buffer {
    const { payload, expiry, writeId, codec, writtenByUpdate } = content
    const included = keyInRecord && typeof key === 'string' ? key : undefined
    const fields = { keyLength: key.length, expiry, writeId, codec, writtenByUpdate }
    return this.#records.compose(key, included, payload, fields)
  }

  read(bytes: Buffer, fileTime: number, owner?: RecordOwner): StoredRecord | string {
    return this.#records.read(bytes, fileTime, owner)
  }

  /** What expires does so whoever has sealed it: it is no matter of keys. */
  standing(stats: Stats, file: string, now: number): RecordStanding {
    const standing = OWN_FORMAT.standing(stats, file, now)
    return standing === 'alive' && this.#isOthers(file) ? 'foreign' : standing
  }

  reseal(bytes: Buffer, owner: RecordOwner): Buffer | undefined | string {
    return this.#records.reseal(bytes, owner)
  }

  #isOthers(file: string): boolean {
    const look = (descriptor: number): boolean => {
      const length = readSync(descriptor, this.#start, 0, LONGEST_START, 0)
      return this.#records.isOthers(this.#start.subarray(0, length))
    }
    return lookInto(file, look) ?? false
  }
}
