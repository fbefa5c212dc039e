import { payloadDigest, Status } from '../../protocol/index.js'
import { RECORD_HEADER } from '../../record/record.js'
import { isSameWrite } from '../../record/write-id.js'
import type { Reply, Words } from '../replies.js'
import { REMOVE, SWAP } from '../scripts.js'
import {
  bytesOf,
  type ExchangeContext,
  lifeOf,
  lifeUntil,
  type NewRecord,
  type Slot,
  SlotExchange,
} from './slot-exchange.js'

/** Looks at what is there, then swaps just that for the new record; looks again where something else is there by then. */
export class Replacement extends SlotExchange {
  readonly writes = true
  readonly #write: NewRecord
  readonly #expected: Buffer
  /** What the next answer is about. */
  #step: 'look' | 'swap' | 'renew' = 'look'

  constructor(slot: Slot, context: ExchangeContext, write: NewRecord, expected: Buffer) {
    super(slot, context)
    this.#write = write
    this.#expected = expected
  }

  protected commands(): readonly Words[] {
    this.#step = 'look'
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#step === 'renew') return this.done(Status.DONE)
    if (this.#step === 'swap') return reply === 1 ? this.done(Status.DONE) : this.commands()
    const value = bytesOf(reply)
    const found = this.context.records.read(value, this.session)
    if (value === null || found.kind !== 'record') return this.done(Status.ABSENT)
    const { writeId, payload } = found.record
    if (isSameWrite(writeId, this.#write.writeId)) {
      this.#step = 'renew'
      return this.renewal(this.#write)
    }
    if (!payloadDigest(payload).equals(this.#expected)) return this.done(Status.SUPERSEDED)
    this.#step = 'swap'
    const standing = value.subarray(0, RECORD_HEADER)
    const { value: next, expiry } = this.#write
    if (lifeUntil(expiry) <= 0) return [REMOVE.words(this.key, standing)]
    return [SWAP.words(this.key, standing, next, lifeOf(this.#write))]
  }
}
