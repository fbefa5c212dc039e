import { carriesPayload, Opcode } from '../../workers/protocol/index.js'
import type { Operation } from './batch.js'
import type { Demand } from './caller.js'

/**
 * What may happen to a demand that finds an operation of its key not yet handed to a worker.
 *
 * - `replace`: one write carries the newer bytes, both callers get its outcome
 * - `ride`: the demand needs no slot of its own, the operation's outcome tells its own
 * - `apart`: only one after the other gives both their due
 */
export type Meeting = 'replace' | 'ride' | 'apart'

/**
 * Coalescing is invisible: a demand meets an operation only where executing both in turn, with nothing in between,
 * must give the same outcomes and the same stored bytes.
 *
 * A reader rides only on what no worker has yet: another process may store something between that write and this
 * read, and a read issued after it has to see it.
 */
export function meeting(pending: Operation, demand: Demand, now: number): Meeting {
  switch (demand.opcode) {
    case Opcode.SAVE:
      return pending.opcode === Opcode.SAVE ? 'replace' : 'apart'
    case Opcode.UPDATE:
      // A session that expires at once is gone for the update that follows.
      if (pending.expiry <= now) return 'apart'
      return pending.opcode === Opcode.SAVE || pending.opcode === Opcode.UPDATE ? 'replace' : 'apart'
    case Opcode.TOUCH:
      return pending.opcode === Opcode.TOUCH && pending.expiry > now ? 'replace' : 'apart'
    case Opcode.DELETE:
      return pending.opcode === Opcode.DELETE ? 'ride' : 'apart'
    case Opcode.EXISTS:
      return pending.opcode === Opcode.TOUCH || pending.opcode === Opcode.SET_ASIDE ? 'apart' : 'ride'
    case Opcode.LOAD:
      return pending.opcode === Opcode.LOAD ||
        pending.opcode === Opcode.DELETE ||
        carriesPayload(pending.opcode)
        ? 'ride'
        : 'apart'
    default:
      return 'apart'
  }
}
