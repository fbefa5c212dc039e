import { readSync, type Stats } from 'node:fs'
import { type KeyDigest, Opcode, type RequestReader } from '../protocol/index.js'
import { KEY_ID_BYTES, keyIdOf, type SealBinding, Sealer, sealedWith } from '../seal/index.js'
import { OWN_FORMAT } from './own-format.js'
import { lookInto } from './peek.js'
import {
  GUARDED_OFFSET,
  LONGEST_KEY,
  longestRecord,
  RECORD_HEADER,
  type ReadRecord,
  type RecordHeader,
  readHeader,
  readRecord,
  writeChecksum,
  writeFields,
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
import { isKeyOf, isRecordOf, ownerDigest } from './record-owner.js'
import { isSealReason, TAMPERED, UNKNOWN_KEY, UNSEALED } from './seal-reasons.js'

/*
 * What a record's seal is bound to, its associated data:
 *
 *   0  the label, 23 bytes      23  the record's header from the format version on, 24 bytes      47  SHA-256 of the key
 *
 * So it opens under no other key, and with no other header, but for the expiry, which a touch changes in place. The key's
 * digest stands for the key, since under hashed names nothing else is known of it when a sweep seals records anew.
 */

const LABEL = Buffer.from('coatcheck seal 1 record')
const HEADER_AT = LABEL.length
const DIGEST_AT = HEADER_AT + RECORD_HEADER - GUARDED_OFFSET
const DIGEST_BYTES = 32
/** What is read of a file to see which key it was sealed with. */
const LONGEST_START = RECORD_HEADER + LONGEST_KEY + KEY_ID_BYTES

/** Coatcheck's own records, their payloads sealed. Headers are as they were: whoever has no key sees all but the payload. */
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
  readonly #sealer: Sealer
  readonly #knownIds: ReadonlySet<number>
  readonly #acceptUnsealed: boolean
  readonly #associated = Buffer.alloc(DIGEST_AT + DIGEST_BYTES)
  readonly #start = Buffer.alloc(LONGEST_START)

  constructor({ keys, acceptUnsealed }: SealBinding) {
    this.#sealer = new Sealer(keys)
    this.#knownIds = new Set(keys.map(({ id }) => id))
    this.#acceptUnsealed = acceptUnsealed
    this.#associated.set(LABEL)
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
    const { payload, ...fields } = content
    const included = keyInRecord && typeof key === 'string' ? key : undefined
    return this.#record(key, included, payload, { ...fields, keyLength: key.length })
  }

  read(bytes: Buffer, fileTime: number, owner?: RecordOwner): StoredRecord | string {
    const record = readRecord(bytes, fileTime)
    if (typeof record === 'string' || owner === undefined || !isRecordOf(owner, record)) return record
    const payload = this.#open(bytes, record, owner)
    return typeof payload === 'string' ? payload : { ...record, payload }
  }

  /** What expires does so whoever has sealed it: it is no matter of keys. */
  standing(stats: Stats, file: string, now: number): RecordStanding {
    const standing = OWN_FORMAT.standing(stats, file, now)
    return standing === 'alive' && this.#isOthers(file) ? 'foreign' : standing
  }

  reseal(bytes: Buffer, owner: RecordOwner): Buffer | undefined | string {
    const record = readRecord(bytes)
    if (typeof record === 'string') return record
    if (record.sealed === true && sealedWith(record.payload) === this.#sealer.currentId) return undefined
    const payload = this.#open(bytes, record, owner)
    return typeof payload === 'string' ? payload : this.#record(owner, record.key, payload, record)
  }

  #record(
    owner: RecordOwner,
    key: string | undefined,
    payload: Uint8Array,
    fields: Omit<RecordHeader, 'payloadLength' | 'keyIncluded' | 'sealed'>,
  ): Buffer {
    const keyBytes = key === undefined ? 0 : key.length * 2
    const payloadLength = Sealer.sealedLength(payload.length)
    const bodyAt = RECORD_HEADER + keyBytes
    const record = Buffer.allocUnsafe(bodyAt + payloadLength)
    const view = new DataView(record.buffer, record.byteOffset, record.length)
    writeFields(view, 0, { ...fields, payloadLength, keyIncluded: key !== undefined, sealed: true })
    if (key !== undefined) record.write(key, RECORD_HEADER, 'utf16le')
    this.#sealer.sealInto(record, bodyAt, payload, this.#associate(record, owner))
    writeChecksum(record, view, 0, record.length)
    return record
  }

  #open(bytes: Buffer, record: ReadRecord, owner: RecordOwner): Buffer | string {
    if (record.sealed !== true && !this.#acceptUnsealed) return UNSEALED
    // A seal is bound to its owner, and not to what the record says of him; sealed anew, one without would be to its owner, too.
    if (record.key !== undefined && !isKeyOf(owner, record.key)) return TAMPERED
    if (record.sealed !== true) return record.payload
    const opened = this.#sealer.open(record.payload, this.#associate(bytes, owner))
    if (typeof opened !== 'string') return opened
    return opened === 'unknown key' ? UNKNOWN_KEY : TAMPERED
  }

  #associate(record: Buffer, owner: RecordOwner): Uint8Array {
    record.copy(this.#associated, HEADER_AT, GUARDED_OFFSET, RECORD_HEADER)
    this.#associated.set(ownerDigest(owner), DIGEST_AT)
    return this.#associated
  }

  /** Whether a sound record is one that we cannot open, as far as its key's id tells. */
  #isOthers(file: string): boolean {
    return lookInto(file, (descriptor) => this.#cannotOpen(descriptor)) ?? false
  }

  #cannotOpen(descriptor: number): boolean {
    const start = this.#start.subarray(0, readSync(descriptor, this.#start, 0, LONGEST_START, 0))
    const header = readHeader(start)
    if (typeof header === 'string') return false
    if (header.sealed !== true) return !this.#acceptUnsealed
    const idAt = RECORD_HEADER + (header.keyIncluded ? header.keyLength * 2 : 0)
    const id = keyIdOf(start.subarray(idAt))
    return id !== undefined && !this.#knownIds.has(id)
  }
}
