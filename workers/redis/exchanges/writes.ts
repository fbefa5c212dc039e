import { Status } from '../../protocol/index.js'
import { composeExpiry, EXPIRY_OFFSET } from '../../record/record.js'
import { MAGIC } from '../records.js'
import type { Reply, Words } from '../replies.js'
import { DELETE, TOUCH } from '../scripts.js'
import { type ExchangeContext, lifeOf, type NewRecord, type Slot, SlotExchange } from './slot-exchange.js'

/**
 * `SET … GET`, so that it fails where a value of another type stands. What stood there comes back with it, which is of use to
 * creations alone; on one machine it costs nothing that could be measured.
 */
export class Write extends SlotExchange {
  readonly writes = true
  protected readonly write: NewRecord
  readonly #condition: readonly string[]

  constructor(slot: Slot, context: ExchangeContext, write: NewRecord, condition: readonly string[]) {
    super(slot, context)
    this.write = write
    this.#condition = condition
  }

  protected commands(): readonly Words[] {
    return [['SET', this.key, this.write.value, 'PX', lifeOf(this.write), ...this.#condition, 'GET']]
  }

  take([former]: readonly Reply[]): readonly Words[] | undefined {
    return this.done(this.#condition.length > 0 && former === null ? Status.ABSENT : Status.DONE)
  }
}

/** A create, which knows its own record. */
export class Creation extends Write {
  #renewing = false

  constructor(slot: Slot, context: ExchangeContext, write: NewRecord) {
    super(slot, context, write, ['NX'])
  }

  protected override commands(): readonly Words[] {
    this.#renewing = false
    return super.commands()
  }

  override take([former]: readonly Reply[]): readonly Words[] | undefined {
    if (former === null || this.#renewing) return this.done(Status.DONE)
    if (!this.tried || !this.isOwn(former, this.write.writeId)) return this.done(Status.CONFLICT)
    this.#renewing = true
    return this.renewal(this.write)
  }
}

/** Another expiry. */
export class Touch extends SlotExchange {
  readonly writes = true
  readonly #expiry: number
  readonly #written: Buffer

  constructor(slot: Slot, context: ExchangeContext, expiry: number) {
    super(slot, context)
    this.#expiry = expiry
    this.#written = Buffer.from(composeExpiry(expiry))
  }

  protected commands(): readonly Words[] {
    const life = lifeOf({ expiry: this.#expiry })
    return [TOUCH.words(this.key, life, this.#written, `${EXPIRY_OFFSET}`, MAGIC, `${Date.now()}`)]
  }

  take([sessions]: readonly Reply[]): undefined {
    return this.done(sessions === 0 ? Status.ABSENT : Status.DONE)
  }
}

/** A delete, and whatever leaves nothing behind because it is over at once. */
export class Removal extends SlotExchange {
  readonly writes = true
  readonly #otherwise: Status

  /** @param otherwise What it is told where there was no session. */
  constructor(slot: Slot, context: ExchangeContext, otherwise: Status) {
    super(slot, context)
    this.#otherwise = otherwise
  }

  protected commands(): readonly Words[] {
    return [DELETE.words(this.key)]
  }

  take([sessions]: readonly Reply[]): undefined {
    // Where it was tried before, that may have been what took it away, or somebody else.
    this.isHearsay = sessions === 0 && this.tried
    return this.done(sessions === 0 ? this.#otherwise : Status.DONE)
  }
}
