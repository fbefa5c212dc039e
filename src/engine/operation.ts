import type { Opcode } from '../../workers/protocol/index.js'
import type { Batch } from './batch.js'

/** One call of the public surface that waits for its outcome. */
export interface Caller {
  /** What was asked for; the operation that it rides on may be another. */
  readonly asks: Opcode
  /** The call's moment, in ticks. */
  readonly acceptedAt: number
  /** Settles the caller's promise: with what the opcode promises, or with a promise that is rejected. */
  readonly resolve: (outcome: unknown) => void
  /** A reader that rides on a write: the slot whose payload it is to see, and when that expires. */
  readonly sees: { readonly offset: number; readonly expiry: number } | undefined
  /** The next caller of the same operation. */
  next: Caller | undefined
}

/** A call, and what it takes to give it a place in a batch. Lives no longer than that takes. */
export interface Demand {
  readonly asks: Opcode
  readonly opcode: Opcode
  readonly key: string
  readonly hash: number
  /** Milliseconds since the epoch; 0 where the opcode has none. */
  readonly expiry: number
  readonly codec: number
  readonly payload: Uint8Array | undefined
  readonly writeId?: readonly [low: number, high: number]
  readonly acceptedAt: number
  readonly resolve: (outcome: unknown) => void
}

/**
 * One slot of a batch and everybody who waits for it, its first caller included: 100 000 may be pending, so nothing is
 * kept here that the slot tells, and of a promise only the function that resolves it; that can reject it, too.
 */
export class Operation implements Caller {
  readonly asks: Opcode
  readonly acceptedAt: number
  readonly resolve: (outcome: unknown) => void
  readonly sees = undefined
  next: Caller | undefined = undefined
  #last: Caller | undefined = undefined
  readonly batch: Batch
  readonly key: string
  readonly opcode: Opcode
  /** Where its slot lies in the batch; moves when a larger save takes its place. */
  offset: number
  slot: number
  /** Bytes of payload that count as pending. */
  bytes: number
  /** Whether a reader rides on it, so that its payload must stay as it is. */
  watched = false

  constructor(batch: Batch, demand: Demand, offset: number, slot: number) {
    this.asks = demand.asks
    this.acceptedAt = demand.acceptedAt
    this.resolve = demand.resolve
    this.batch = batch
    this.key = demand.key
    this.opcode = demand.opcode
    this.offset = offset
    this.slot = slot
    this.bytes = demand.payload?.length ?? 0
  }

  /** When what is waiting to be stored expires, in milliseconds since the epoch. */
  get expiry(): number {
    return this.batch.writer.expiry(this.offset)
  }

  /** Adds a caller behind those who wait already. */
  join({ asks, acceptedAt, resolve }: Demand, sees?: Caller['sees']): void {
    const caller: Caller = { asks, acceptedAt, resolve, sees, next: undefined }
    if (this.#last === undefined) this.next = caller
    else this.#last.next = caller
    this.#last = caller
  }

  /** Everybody who waits for it, in the order of their calls. */
  *callers(): Generator<Caller, void, undefined> {
    for (let caller: Caller | undefined = this; caller !== undefined; caller = caller.next) yield caller
  }
}

/** Rejects a caller's promise. */
export function reject(caller: Caller, reason: unknown): void {
  caller.resolve(Promise.reject(reason))
}
