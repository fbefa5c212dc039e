import { payloadDigest, Status } from '../../protocol/index.js'
import { RECORD_HEADER } from '../../record/record.js'
import { isSameWrite } from '../../record/write-id.js'
import type { Reply, Words } from '../replies.js'
import { REMOVE, SWAP } from '../scripts.js'
import { bytesOf, type ExchangeContext, type NewRecord, type Slot, SlotExchange } from './slot-exchange.js'

/** Looks at what is there, then swaps just that for the new record; looks again where something else is there by then. */
export class Replacement extends SlotExchange {
  readonly writes = true
  readonly #write: NewRecord
  readonly #expected: Buffer
  #swapping = false

  constructor(slot: Slot, context: ExchangeContext, write: NewRecord, expected: Buffer) {
    super(slot, context)
    this.#write = write
    this.#expected = expected
  }

  protected commands(): readonly Words[] {
    this.#swapping = false
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#swapping) return reply === 1 ? this.done(Status.DONE) : this.commands()
    const value = bytesOf(reply)
    const found = this.context.records.read(value, this.session)
    if (value === null || found.kind !== 'record') return this.done(Status.ABSENT)
    const { writeId, payload } = found.record
    if (isSameWrite(writeId, this.#write.writeId)) return this.done(Status.DONE)
    if (!payloadDigest(payload).equals(this.#expected)) return this.done(Status.SUPERSEDED)
    this.#swapping = true
    const standing = value.subarray(0, RECORD_HEADER)
    const { value: next, life } = this.#write
    return [life > 0 ? SWAP.words(this.key, standing, next, `${life}`) : REMOVE.words(this.key, standing)]
  }
}
