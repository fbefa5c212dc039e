import type { Opcode } from '../../workers/protocol/index.js'
import type { Batch } from './batch.js'

/** One call of the public surface that waits for its outcome. */
export interface Caller {
  /** What this caller asked for; the operation that it rides on may be another. */
  readonly opcode: Opcode
  /** `performance.now()` at the call. */
  readonly acceptedAt: number
  /** Takes what the opcode promises: nothing, a boolean, a session. */
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
  /** A reader that rides on a write: the slot whose payload it is to see, and when that expires. */
  sees: { readonly offset: number; readonly expiry: number } | undefined
  /** The next caller of the same operation. */
  next: Caller | undefined
}

/** What a caller asks of a key, before it has a place in a batch. */
export interface Demand {
  readonly opcode: Opcode
  readonly key: string
  readonly hash: number
  /** Milliseconds since the epoch; 0 where the opcode has none. */
  readonly expiry: number
  readonly codec: number
  readonly payload: Uint8Array | undefined
  readonly writeId?: readonly [low: number, high: number]
}

/** One slot of a batch and everybody who waits for it. */
export class Operation {
  readonly batch: Batch
  readonly key: string
  readonly hash: number
  readonly opcode: Opcode
  /** Where its slot lies in the batch; moves when a larger save takes its place. */
  offset: number
  slot: number
  expiry: number
  /** Bytes of payload that count as pending. */
  bytes: number
  /** Whether a reader rides on it, so that its payload must stay as it is. */
  watched = false
  first: Caller
  last: Caller

  constructor(batch: Batch, demand: Demand, offset: number, slot: number, caller: Caller) {
    this.batch = batch
    this.key = demand.key
    this.hash = demand.hash
    this.opcode = demand.opcode
    this.offset = offset
    this.slot = slot
    this.expiry = demand.expiry
    this.bytes = demand.payload?.length ?? 0
    this.first = caller
    this.last = caller
  }

  /** Adds a caller behind those who wait already. */
  join(caller: Caller): void {
    this.last.next = caller
    this.last = caller
  }
}
