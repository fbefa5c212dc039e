import { randomBytes } from 'node:crypto'
import { RECORD_HEADER } from '../../record/record.js'
import type { WriteId } from '../../record/write-id.js'
import type { RedisKey } from '../key-names.js'
import type { Reply, Words } from '../replies.js'
import { SET_ASIDE } from '../scripts.js'
import { bytesOf, type ExchangeContext, type Slot, SlotExchange } from './slot-exchange.js'

/** Moves a record whose payload the codec refused out of the way. */
export class Aside extends SlotExchange {
  readonly writes = true
  readonly #writeId: WriteId
  #keptAs: string | undefined

  constructor(slot: Slot, context: ExchangeContext, writeId: WriteId) {
    super(slot, context)
    this.#writeId = writeId
  }

  protected commands(): readonly Words[] {
    this.#keptAs = undefined
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    if (this.#keptAs !== undefined) {
      if (reply === 1) this.tell({ reason: REFUSED, keptAs: this.#keptAs })
      return undefined
    }
    const value = bytesOf(reply)
    if (value === null || !this.isOwn(value, this.#writeId)) return undefined
    const aside = asideName(this.key)
    if (aside === undefined) {
      this.tell({ reason: REFUSED, keptAs: undefined })
      return undefined
    }
    this.#keptAs = aside.suffix
    return [SET_ASIDE.words(this.key, value.subarray(0, RECORD_HEADER), aside.name)]
  }
}

const REFUSED = 'the codec refused the payload'

/** A key of the same slot: what stands in its braces is what the slot is made of. Where that cannot be, there is none. */
export function asideName(key: RedisKey): { readonly name: RedisKey; readonly suffix: string } | undefined {
  const text = typeof key === 'string' ? key : key.toString('latin1')
  if (/[{}]/.test(text)) return undefined
  const suffix = `corrupt-${randomBytes(12).toString('hex')}`
  if (typeof key === 'string') return { name: `{${key}}.${suffix}`, suffix }
  return { name: Buffer.concat([Buffer.from('{'), key, Buffer.from(`}.${suffix}`)]), suffix }
}
