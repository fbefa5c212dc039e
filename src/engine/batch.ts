import { longestSlot, type Opcode, type RequestWriter } from '../../workers/protocol/index.js'
import type { Asked, Caller, Demand } from './caller.js'
import { Moment } from './moment.js'

/** Bytes of one batch at the most, unless a single session is larger. */
export const MOST_BYTES = 128 * 1024

/**
 * One slot of a batch and everybody who waits for it, its first caller included: 100 000 may be pending, so nothing is
 * kept here that the slot tells, and of a promise only the function that resolves it; that can reject it, too.
 */
export class Operation implements Caller {
  readonly asks: Asked
  readonly acceptedAt: number
  readonly resolve: (outcome: unknown) => void
  readonly sees = undefined
  next: Caller | undefined = undefined
  #last: Caller | undefined = undefined
  readonly batch: Batch
  readonly key: string
  readonly hash: number
  /** The chain of {@link LatestOperations}. */
  nextInBucket: Operation | undefined = undefined
  readonly opcode: Opcode
  /** Where its slot lies in the batch; moves when a larger save takes its place. */
  offset: number
  slot: number
  /** Bytes of payload that count as pending. */
  bytes: number
  /** Whether the storage has done with it, one way or the other. */
  settled = false
  /** Whether a reader rides on it, so that its payload must stay as it is. */
  watched = false

  constructor(batch: Batch, demand: Demand, offset: number, slot: number) {
    this.asks = demand.asks
    this.acceptedAt = demand.acceptedAt
    this.resolve = demand.resolve
    this.batch = batch
    this.key = demand.key
    this.hash = demand.hash
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

/**
 * Operations of one lane, each key at most once, on their way to a worker as one pool task. Open to more until it
 * is taken; then sealed.
 */
export class Batch {
  readonly writer: RequestWriter
  readonly operations: Operation[] = []
  #sealed = false
  #follows = false
  #settled: Moment | undefined

  /** @param writer Empty; it belongs to this batch until that is settled. */
  constructor(writer: RequestWriter) {
    this.writer = writer
  }

  get sealed(): boolean {
    return this.#sealed
  }

  /** No more operations; the next goes into another batch. */
  seal(): void {
    this.#sealed = true
  }

  /** Whether all that left before it have to be settled before it leaves. */
  get follows(): boolean {
    return this.#follows
  }

  /** It has a key in common with a batch before it. */
  follow(): void {
    this.#follows = true
  }

  /** Whether a demand fits beside what is in it, in so many slots at the most. */
  hasRoom(demand: Demand, mostSlots: number): boolean {
    const { slots, used } = this.writer
    return (
      slots < mostSlots && used + longestSlot(demand.key.length, demand.payload?.length ?? 0) <= MOST_BYTES
    )
  }

  /** Whether it has half of what it may hold, in slots or in bytes. */
  isHalfFull(mostSlots: number): boolean {
    const { slots, used } = this.writer
    return slots >= mostSlots / 2 || used >= MOST_BYTES / 2
  }

  /** Gives a demand a slot of its own. */
  add(demand: Demand): Operation {
    const slot = this.writer.slots
    const operation = new Operation(this, demand, this.writer.append(demand), slot)
    this.operations.push(operation)
    return operation
  }

  /**
   * Lets a demand take the place of an operation's content; the write keeps its opcode, the stronger of the two.
   * Returns the bytes of payload that need not be kept any more; `undefined` where that takes a slot more than there may be.
   */
  replace(operation: Operation, demand: Demand, mostSlots: number): number | undefined {
    const bytes = demand.payload?.length ?? 0
    let freed = operation.bytes
    const { opcode } = operation
    if (operation.watched || !this.writer.replace(operation.offset, demand, opcode)) {
      if (!this.hasRoom(demand, mostSlots)) return undefined
      this.writer.void(operation.offset)
      operation.slot = this.writer.slots
      operation.offset = this.writer.append(demand, opcode)
      operation.watched = false
      freed = 0
    }
    operation.bytes += bytes - freed
    operation.join(demand)
    return freed
  }

  /** Resolves when every operation in it has its outcome. */
  whenSettled(): Promise<void> {
    this.#settled ??= new Moment()
    return this.#settled.whenCome()
  }

  /** Tells those who wait in `whenSettled`. */
  markSettled(): void {
    this.#settled?.come()
  }
}
