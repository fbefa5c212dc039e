import { Status } from '../../protocol/index.js'
import { RECORD_HEADER, type ReadRecord } from '../../record/record.js'
import type { Reply, Words } from '../replies.js'
import { SET_ASIDE } from '../scripts.js'
import { asideName } from './aside.js'
import { bytesOf, type ExchangeContext, type Slot, SlotExchange } from './slot-exchange.js'

/** Whether there is a session. */
export class Look extends SlotExchange {
  readonly writes = false
  readonly #whereThere: Status
  readonly #whereNot: Status

  /** @param whereThere What it is told where there is a session: of a creation that is over at once, that it comes too late. */
  constructor(slot: Slot, context: ExchangeContext, whereThere?: Status) {
    super(slot, context)
    this.#whereThere = whereThere ?? Status.DONE
    this.#whereNot = whereThere === undefined ? Status.ABSENT : Status.DONE
  }

  protected commands(): readonly Words[] {
    return [['GETRANGE', this.key, '0', `${RECORD_HEADER - 1}`]]
  }

  take([beginning]: readonly Reply[]): undefined {
    const bytes = bytesOf(beginning)
    const isThere = bytes !== null && this.context.records.isLive(bytes, this.session)
    return this.done(isThere ? this.#whereThere : this.#whereNot)
  }
}

/** A session as it is; one that was damaged makes room. */
export class Load extends SlotExchange {
  readonly writes = false
  /** Where a damaged record is just being set aside. */
  #damage: { readonly reason: string; readonly keptAs: string } | undefined

  protected commands(): readonly Words[] {
    this.#damage = undefined
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#damage !== undefined) {
      // Somebody has put something else there meanwhile: that is not looked at any more.
      this.tell({ reason: this.#damage.reason, keptAs: reply === 1 ? this.#damage.keptAs : undefined })
      return this.done(Status.ABSENT)
    }
    const value = bytesOf(reply)
    const found = this.context.records.read(value, this.session)
    if (found.kind === 'record') return this.#found(found.record)
    this.done(Status.ABSENT)
    if (value === null || found.kind === 'absent') return undefined
    const aside = found.kind === 'damaged' ? asideName(this.key) : undefined
    if (aside === undefined) {
      this.tell({ reason: found.reason, keptAs: undefined })
      return undefined
    }
    this.#damage = { reason: found.reason, keptAs: aside.suffix }
    return [SET_ASIDE.words(this.key, value, aside.name)]
  }

  /** Its end stands in it, to the millisecond; the server may have another clock. */
  #found({ expiry, codec, writeId, payload }: ReadRecord): undefined {
    if (expiry <= Date.now()) return this.done(Status.ABSENT)
    this.context.reply.record({ slot: this.slot, expiry, codec, writeId }, payload)
  }
}
