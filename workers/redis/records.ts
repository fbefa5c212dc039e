import { keyHash, type Opcode, type RequestReader } from '../protocol/index.js'
import { isRecordOf } from '../record/owner.js'
import { composeInPlace, headerOfSlot, readPlain } from '../record/plain-records.js'
import { KEY_HASH_OFFSET, type ReadRecord, readHeader } from '../record/record.js'
import { isSealReason } from '../record/seal-reasons.js'
import { SealedRecords } from '../record/sealed-records.js'
import type { SealBinding } from '../seal/index.js'

/** What stands under a session's key. */
export type Found =
  | { readonly kind: 'record'; readonly record: ReadRecord }
  /** Nothing, or a session of another prefix. */
  | { readonly kind: 'absent' }
  /** Perhaps another program's, or there is no key to its seal: it is told of, and stays. */
  | { readonly kind: 'foreign'; readonly reason: string }
  /** One of ours that was damaged. */
  | { readonly kind: 'damaged'; readonly reason: string }

/** What a record of ours begins with. */
export const MAGIC = Buffer.from('CTCK')

/** Sessions as the server has them: records as in files, their key left to the server. */
export class Records {
  readonly #sealed: SealedRecords | undefined

  constructor(seal: SealBinding | undefined) {
    this.#sealed = seal && new SealedRecords(seal)
  }

  /** What is to be stored for the current slot. Without a seal it is a view of the request's bytes. */
  compose(request: RequestReader, opcode: Opcode, key: string): Buffer {
    const header = headerOfSlot(request, opcode, key.length, request.hash)
    if (this.#sealed !== undefined) {
      const { bytes, payloadStart, payloadLength } = request
      const payload = bytes.subarray(payloadStart, payloadStart + payloadLength)
      return this.#sealed.compose(key, undefined, payload, header)
    }
    const { start, end } = composeInPlace(request, header)
    return request.bytes.subarray(start, end)
  }

  /** What a value is for whoever looks for this key. */
  read(value: Buffer | null, key: string): Found {
    if (value === null) return { kind: 'absent' }
    const record = this.#sealed?.read(value, 0, key) ?? readPlain(value, 0, key)
    if (typeof record !== 'string') {
      if (!isRecordOf(key, record)) return { kind: 'absent' }
      const hash = record.sealed === true ? 0 : value.readInt32LE(KEY_HASH_OFFSET)
      // Whatever has mixed up the answers: nobody gets the session of another one.
      if (hash !== 0 && hash !== keyHash(key)) return { kind: 'foreign', reason: 'the record of another key' }
      return { kind: 'record', record }
    }
    const isOurs = value.subarray(0, MAGIC.length).equals(MAGIC) && !isSealReason(record)
    return { kind: isOurs ? 'damaged' : 'foreign', reason: record }
  }

  /** Whether a value that begins so is a session of this key that has not expired. */
  isLive(beginning: Buffer, key: string): boolean {
    const header = readHeader(beginning)
    return typeof header !== 'string' && header.keyLength === key.length && header.expiry > Date.now()
  }

  /** A record sealed by the newest key; `undefined` where it is, or nothing is; a reason in words where it cannot be opened. */
  reseal(value: Buffer, key: string): Buffer | undefined | string {
    return this.#sealed?.reseal(value, key)
  }
}
