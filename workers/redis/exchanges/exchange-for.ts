import { Opcode, type RequestReader, Status } from '../../protocol/index.js'
import { nameOf } from '../key-names.js'
import { Aside } from './aside.js'
import type { Exchange } from './exchange.js'
import { Load, Look } from './reads.js'
import { Replacement } from './replacement.js'
import { type ExchangeContext, lifeUntil, type NewRecord, type Slot } from './slot-exchange.js'
import { Creation, Removal, Touch, Write } from './writes.js'

/** What is to be said for the current slot of a batch. */
export function exchangeFor(request: RequestReader, context: ExchangeContext): Exchange {
  const { opcode } = request
  const session = request.key()
  const slot: Slot = {
    slot: request.index,
    session,
    key: nameOf(session, context.prefix),
    tried: request.attempt > 0,
  }
  const life = lifeUntil(request.expiry)
  switch (opcode) {
    case Opcode.LOAD:
      return new Load(slot, context)
    case Opcode.EXISTS:
      return new Look(slot, context)
    case Opcode.DELETE:
      return new Removal(slot, context, Status.DONE)
    case Opcode.TOUCH:
      return life > 0 ? new Touch(slot, context, request.expiry) : new Removal(slot, context, Status.ABSENT)
    case Opcode.SET_ASIDE:
      return new Aside(slot, context, request.writeId)
    case Opcode.REPLACE: {
      const expected = Buffer.from(request.expected())
      return new Replacement(slot, context, writeOf(request, context, session), expected)
    }
    case Opcode.CREATE:
      if (life <= 0) return new Look(slot, context, Status.CONFLICT)
      return new Creation(slot, context, writeOf(request, context, session))
    case Opcode.UPDATE:
      if (life <= 0) return new Removal(slot, context, Status.ABSENT)
      return new Write(slot, context, writeOf(request, context, session), ['XX'])
    case Opcode.SAVE:
      if (life <= 0) return new Removal(slot, context, Status.DONE)
      return new Write(slot, context, writeOf(request, context, session), [])
    default:
      throw new RangeError(`unknown opcode ${opcode}`)
  }
}

function writeOf(request: RequestReader, { records }: ExchangeContext, session: string): NewRecord {
  const { writeId, expiry } = request
  return { value: records.compose(request, request.opcode, session), writeId, expiry }
}
