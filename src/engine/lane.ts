import { RequestWriter } from '../../workers/protocol/index.js'
import type { Operation } from './batch.js'
import { Batch, MOST_BYTES } from './batch.js'
import type { Demand } from './caller.js'
import { meeting } from './coalescing.js'
import { LatestOperations } from './latest-operations.js'
import { Moment } from './moment.js'

/** Where a lane's first batch starts; those after it take over the memory of one that is settled. */
const FIRST_CAPACITY = 4 * 1024
/** More memory than a full batch takes is not kept for the next one. */
const MOST_KEPT = MOST_BYTES + FIRST_CAPACITY
/** While one batch is under way the next one gathers. */
const MOST_SPARES = 2
/** A batch that was only begun because its key is in an earlier one will hold little. */
const SMALL_CAPACITY = 512

/** How a lane's batches are cut. */
export interface LaneCut {
  /** Batches under way at the most. */
  readonly depth: number
  /** Operations of one batch at the most. */
  readonly slots: number
}

/**
 * A slice of the key space.
 *
 * Invariants: operations of one key always meet in the same lane; a batch holds a key at most once; batches leave in
 * order, and one that has a key of an earlier one only when all before it are settled. So operations of one key take
 * effect in the order in which they were issued, whatever thread carries them.
 */
export class Lane {
  readonly #cut: () => LaneCut
  /** A moment stops the lane: it comes when what was accepted before is settled, and what comes after waits. */
  readonly #waiting: (Batch | Moment)[] = []
  readonly #latest = new LatestOperations()
  /** No `Set`, for the reason that `LatestOperations` is no `Map`. */
  readonly #underWay: Batch[] = []
  /** Readers that read for themselves: waiting, or under way. */
  #again: Batch | undefined
  #readingAgain: Batch | undefined
  readonly #spareWriters: RequestWriter[] = []
  /** Whether it stands in the dispatch queue. */
  queued = false

  /** @param cut How batches are cut at present. */
  constructor(cut: () => LaneCut) {
    this.#cut = cut
  }

  /**
   * Whether there is a batch to take. Beside one under way, only what is worth a pool task: less than half a batch gathers
   * until that one is back.
   */
  get ready(): boolean {
    const head = this.#waiting[0]
    if (!(head instanceof Batch) || this.#readingAgain !== undefined) return false
    const { length: underWay } = this.#underWay
    if (underWay === 0) return true
    const { depth, slots } = this.#cut()
    return !head.follows && underWay < depth && head.isHalfFull(slots)
  }

  /** Whether there is a batch to take that nothing more would fit into. */
  get isFull(): boolean {
    const head = this.#waiting[0]
    return head instanceof Batch && head.writer.slots >= this.#cut().slots && this.ready
  }

  /** Whether an operation of this key has not been settled yet. */
  isPending(key: string, hash: number): boolean {
    const latest = this.#latest.get(key, hash)
    return latest !== undefined && !latest.settled
  }

  /**
   * Takes a demand in. When it shares the slot of an earlier one: the bytes of payload that this frees; `undefined`
   * when it has a slot of its own.
   */
  accept(demand: Demand, now: number): number | undefined {
    const latest = this.#latest.get(demand.key, demand.hash)
    if (latest !== undefined && !latest.batch.sealed) {
      const freed = this.#meet(latest, demand, now)
      if (freed !== undefined) return freed
    }
    const batch = this.#batchFor(demand, latest?.batch)
    this.#latest.set(batch.add(demand), latest)
    return undefined
  }

  /**
   * Lets a reader, who rode on an operation of a batch under way in vain, read for itself: before anything that was
   * issued after it leaves. Readers of one operation come one after the other and share a slot.
   */
  readAgain(demand: Demand): void {
    if (this.#again === undefined) {
      this.#again = new Batch(new RequestWriter(SMALL_CAPACITY))
      this.#again.seal()
      this.#waiting.unshift(this.#again)
    }
    const last = this.#again.operations.at(-1)
    if (last?.key !== demand.key) {
      this.#again.add(demand)
      return
    }
    last.join(demand)
  }

  /** Takes the next batch; nobody can add to it any more. */
  take(): Batch | undefined {
    const batch = this.#waiting[0]
    if (!this.ready || !(batch instanceof Batch)) return undefined
    this.#waiting.shift()
    batch.seal()
    this.#underWay.push(batch)
    if (batch === this.#again) {
      this.#readingAgain = batch
      this.#again = undefined
    }
    return batch
  }

  /** A batch under way has come back: its keys are free. Some of its readers may have to wait for `rest`. */
  release(batch: Batch, rest?: Promise<void>): void {
    for (const operation of batch.operations) this.#latest.delete(operation)
    this.#keepWriter(batch.writer)
    this.#underWay.splice(this.#underWay.indexOf(batch), 1)
    if (batch === this.#readingAgain) this.#readingAgain = undefined
    const again = this.#again?.whenSettled()
    if (rest === undefined && again === undefined) batch.markSettled()
    else void Promise.all([rest, again]).then(() => batch.markSettled())
    this.#arrive()
  }

  /** Resolves when everything accepted so far is settled. */
  async settled(): Promise<void> {
    const batches = [...this.#underWay, ...this.#waiting.filter((entry) => entry instanceof Batch)]
    await Promise.all(batches.map((batch) => batch.whenSettled()))
  }

  /** Stops the lane behind what was accepted so far; resolves when that is settled. `release` lets it go on. */
  hold(): { readonly arrived: Promise<void>; readonly release: () => void } {
    for (const entry of this.#waiting) {
      if (entry instanceof Batch) entry.seal()
    }
    const barrier = new Moment()
    const arrived = barrier.whenCome()
    this.#waiting.push(barrier)
    this.#arrive()
    return {
      arrived,
      release: () => {
        const index = this.#waiting.indexOf(barrier)
        if (index !== -1) this.#waiting.splice(index, 1)
        this.#arrive()
      },
    }
  }

  /** Takes out everything that no worker has, to be rejected; whoever holds the lane has it. */
  abandon(): Batch[] {
    const entries = this.#waiting.splice(0)
    const batches = entries.filter((entry) => entry instanceof Batch)
    for (const entry of entries) {
      if (!(entry instanceof Batch)) entry.come()
    }
    this.#again = undefined
    for (const { operations } of batches) {
      for (const operation of operations) this.#latest.delete(operation)
    }
    return batches
  }

  #meet(operation: Operation, demand: Demand, now: number): number | undefined {
    const { batch } = operation
    switch (meeting(operation, demand, now)) {
      case 'replace':
        return batch.replace(operation, demand, this.#cut().slots)
      case 'ride': {
        operation.watched = true
        operation.join(demand, { offset: operation.offset, expiry: operation.expiry })
        return 0
      }
      case 'apart':
        return undefined
    }
  }

  /** The last batch if the demand may go into it, else a new one. `latest` has an earlier operation of its key. */
  #batchFor(demand: Demand, latest: Batch | undefined): Batch {
    const tail = this.#tail()
    const isOpen = tail !== undefined && tail !== latest && !tail.sealed
    const batch = isOpen && tail.hasRoom(demand, this.#cut().slots) ? tail : this.#begin(tail, latest)
    if (latest !== undefined) batch.follow()
    return batch
  }

  #begin(tail: Batch | undefined, latest: Batch | undefined): Batch {
    const small = tail !== undefined && tail === latest
    const batch = new Batch(small ? new RequestWriter(SMALL_CAPACITY) : this.#writer())
    this.#waiting.push(batch)
    return batch
  }

  #writer(): RequestWriter {
    return this.#spareWriters.pop() ?? new RequestWriter(FIRST_CAPACITY)
  }

  #keepWriter(writer: RequestWriter): void {
    const { capacity } = writer
    if (capacity < FIRST_CAPACITY || capacity > MOST_KEPT || this.#spareWriters.length === MOST_SPARES) return
    writer.reset()
    this.#spareWriters.push(writer)
  }

  #tail(): Batch | undefined {
    const tail = this.#waiting.at(-1)
    return tail instanceof Batch ? tail : undefined
  }

  #arrive(): void {
    const head = this.#waiting[0]
    if (this.#underWay.length === 0 && head !== undefined && !(head instanceof Batch)) head.come()
  }
}
