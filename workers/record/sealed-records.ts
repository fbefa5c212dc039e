import { keyIdOf, type SealBinding, Sealer, sealedWith } from '../seal/index.js'
import { isKeyOf, isRecordOf, ownerDigest, type RecordOwner } from './owner.js'
import {
  GUARDED_OFFSET,
  RECORD_HEADER,
  type ReadRecord,
  type RecordHeader,
  readHeader,
  readRecord,
  writeChecksum,
  writeFields,
} from './record.js'
import { TAMPERED, UNKNOWN_KEY, UNSEALED } from './seal-reasons.js'

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

/** What is told of a record's header besides what is written of its payload. */
export type SealedFields = Omit<RecordHeader, 'payloadLength' | 'keyIncluded' | 'sealed'>

/** Makes records whose payload is sealed, and opens them. Headers are as they were: whoever has no key sees all but the payload. */
export class SealedRecords {
  readonly #sealer: Sealer
  readonly #knownIds: ReadonlySet<number>
  readonly #acceptUnsealed: boolean
  readonly #associated = Buffer.alloc(DIGEST_AT + DIGEST_BYTES)

  constructor({ keys, acceptUnsealed }: SealBinding) {
    this.#sealer = new Sealer(keys)
    this.#knownIds = new Set(keys.map(({ id }) => id))
    this.#acceptUnsealed = acceptUnsealed
    this.#associated.set(LABEL)
  }

  /** A record in memory of its own. `key` is what it carries of its owner's key, if anything. */
  compose(owner: RecordOwner, key: string | undefined, payload: Uint8Array, fields: SealedFields): Buffer {
    const keyBytes = key === undefined ? 0 : key.length * 2
    const payloadLength = Sealer.sealedLength(payload.length)
    const bodyAt = RECORD_HEADER + keyBytes
    const record = Buffer.allocUnsafe(bodyAt + payloadLength)
    const view = new DataView(record.buffer, record.byteOffset, record.length)
    const { keyLength, expiry, writeId, codec, writtenByUpdate } = fields
    const keyIncluded = key !== undefined
    writeFields(view, 0, {
      keyLength,
      payloadLength,
      expiry,
      writeId,
      codec,
      keyIncluded,
      writtenByUpdate,
      sealed: true,
    })
    if (key !== undefined) record.write(key, RECORD_HEADER, 'utf16le')
    this.#sealer.sealInto(record, bodyAt, payload, this.#associate(record, owner))
    writeChecksum(record, view, 0, record.length)
    return record
  }

  /** A whole record, opened; a reason in words where that cannot be. Without an owner, or of another's, it is left as it is. */
  read(bytes: Buffer, fileTime: number, owner?: RecordOwner): ReadRecord | string {
    const record = readRecord(bytes, fileTime)
    if (typeof record === 'string' || owner === undefined || !isRecordOf(owner, record)) return record
    const payload = this.#open(bytes, record, owner)
    return typeof payload === 'string' ? payload : { ...record, payload }
  }

  /** The record sealed by the newest key; `undefined` when it is already; a reason in words when it cannot be opened. */
  reseal(bytes: Buffer, owner: RecordOwner): Buffer | undefined | string {
    const record = readRecord(bytes)
    if (typeof record === 'string') return record
    if (record.sealed === true && sealedWith(record.payload) === this.#sealer.currentId) return undefined
    const payload = this.#open(bytes, record, owner)
    return typeof payload === 'string' ? payload : this.compose(owner, record.key, payload, record)
  }

  /** Whether a sound record that begins so is one that we cannot open, as far as its key's id tells. */
  isOthers(start: Buffer): boolean {
    const header = readHeader(start)
    if (typeof header === 'string') return false
    if (header.sealed !== true) return !this.#acceptUnsealed
    const idAt = RECORD_HEADER + (header.keyIncluded ? header.keyLength * 2 : 0)
    const id = keyIdOf(start.subarray(idAt))
    return id !== undefined && !this.#knownIds.has(id)
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
}
