import { Status } from '../../protocol/index.js'
import { RECORD_HEADER } from '../../record/record.js'
import type { Reply, Words } from '../replies.js'
import { SWAP } from '../scripts.js'
import { bytesOf, SlotExchange } from './slot-exchange.js'

/** Seals a session by the newest key where it is not; done where it was. What cannot be opened is told of, and stays. */
export class Resealing extends SlotExchange {
  readonly writes = true
  #isSwapping = false

  protected commands(): readonly Words[] {
    this.#isSwapping = false
    return [['GET', this.key]]
  }

  take([reply]: readonly Reply[]): readonly Words[] | undefined {
    // Somebody has written meanwhile, or only touched it: then it is sealed by the old key yet.
    if (this.#isSwapping) return reply === 1 ? this.done(Status.DONE) : this.commands()
    const value = bytesOf(reply)
    const sealed = value === null ? undefined : this.context.records.reseal(value, this.session)
    if (typeof sealed === 'string') this.tell({ reason: sealed, keptAs: undefined })
    if (value === null || !Buffer.isBuffer(sealed)) return this.done(Status.ABSENT)
    this.#isSwapping = true
    return [SWAP.words(this.key, value.subarray(0, RECORD_HEADER), sealed, 'KEEPTTL')]
  }
}
