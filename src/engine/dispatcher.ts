import PQueue from 'p-queue'
import { carriesPayload, Opcode, Status, sliceOf } from '../../workers/protocol/index.js'
import type { Batch, Operation } from './batch.js'
import type { BatchCarrier } from './batch-carrier.js'
import { type Caller, type Demand, reject } from './caller.js'
import { Courier, type CourierListener } from './courier.js'
import { Lane, type LaneCut } from './lane.js'
import { ticks } from './ticks.js'

/** What the dispatcher tells the engine. */
export interface DispatcherListener extends Omit<CourierListener, 'reissue'> {
  /** A pool task came back. */
  batchDone(batch: Batch): void
}

/** How the key space and time are cut for a storage. */
export interface DispatchShape {
  readonly lanes: number
  /** How a lane's batches are cut at present. */
  readonly cut: () => LaneCut
  /** Batches under way at the most, of all lanes. */
  readonly concurrency: number
}

/** Options of {@link Dispatcher}. */
export interface DispatcherOptions {
  /** Whoever answers first. */
  readonly front: BatchCarrier
  /** Whoever is asked for what the first one says is only in files. */
  readonly files: BatchCarrier
  readonly shape: DispatchShape
  readonly listener: DispatcherListener
}

/**
 * Takes demands into lanes and hands ready lanes' batches to the courier, at most `concurrency` at a time.
 *
 * Lanes are looked at once per turn of the event loop: what callers issue in one turn, from however many requests,
 * goes into the same batches. One that a write fills leaves at once: workers need not wait for the end of a long turn.
 */
export class Dispatcher {
  readonly #listener: DispatcherListener
  readonly #courier: Courier
  readonly #lanes: readonly Lane[]
  readonly #queue: PQueue
  readonly #lone = new Set<Promise<void>>()
  #started = false
  #scheduled = false

  constructor({ front, files, shape, listener }: DispatcherOptions) {
    this.#listener = listener
    this.#lanes = Array.from({ length: shape.lanes }, () => new Lane(shape.cut))
    this.#queue = new PQueue({ concurrency: shape.concurrency })
    const { codec, decode, settled, operationDone, corrupt } = listener
    const reissue = (operation: Operation, caller: Caller): void => this.#reissue(operation, caller)
    this.#courier = new Courier({
      front,
      files,
      listener: { codec, decode, settled, operationDone, corrupt, reissue },
    })
  }

  /** Lets batches leave; until then demands gather. */
  start(): void {
    this.#started = true
    this.#schedule()
  }

  /** Takes a demand in; see {@link Lane.accept}. */
  accept(demand: Demand, now: number): number | undefined {
    const lane = this.#laneOf(demand.hash)
    const freed = lane.accept(demand, now)
    // A reader can wait for the end of the turn: looking for what it asks takes less than waking the worker.
    if (carriesPayload(demand.opcode) && lane.isFull && this.#started) this.#dispatchFrom(lane)
    this.#schedule()
    return freed
  }

  /** Whether something that was accepted has yet to be done before what may be said of this key now. */
  isPending(key: string, hash: number): boolean {
    return this.#lone.size > 0 || this.#laneOf(hash).isPending(key, hash)
  }

  /** Resolves when everything accepted so far is settled. */
  async settled(): Promise<void> {
    const lanes = this.#lanes.map((lane) => lane.settled())
    await Promise.all([...this.#lone, this.#courier.readersSettled(), ...lanes])
  }

  /** See {@link Courier.filesRead}. */
  filesRead(): Promise<void> {
    return this.#courier.filesRead()
  }

  /** Runs a task when all that was accepted before it is settled, and before anything that comes after it. */
  alone<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#runAlone(task)
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#lone.add(settled)
    void settled.then(() => this.#lone.delete(settled))
    return result
  }

  /** Rejects everything that no worker has yet. */
  abandon(failure: unknown): void {
    const now = ticks()
    for (const lane of this.#lanes) {
      for (const batch of lane.abandon()) {
        for (const operation of batch.operations) {
          this.#listener.operationDone(operation, Status.FAILED)
          for (const caller of operation.callers()) {
            this.#listener.settled(caller, true, now)
            reject(caller, failure)
          }
        }
        batch.markSettled()
      }
    }
  }

  async #runAlone<Result>(task: () => Promise<Result>): Promise<Result> {
    // At once, so that what is issued after it comes after it.
    const holds = this.#lanes.map((lane) => lane.hold())
    try {
      await Promise.all(holds.map((hold) => hold.arrived))
      return await task()
    } finally {
      for (const hold of holds) hold.release()
      this.#schedule()
    }
  }

  #laneOf(hash: number): Lane {
    // There is a lane for every remainder.
    return this.#lanes[sliceOf(hash) % this.#lanes.length] as Lane
  }

  #schedule(): void {
    if (this.#scheduled || !this.#started) return
    this.#scheduled = true
    setImmediate(this.#dispatch)
  }

  /** A field, since a closure made in each call would be made for each operation. */
  readonly #dispatch = (): void => {
    this.#scheduled = false
    for (const lane of this.#lanes) this.#dispatchFrom(lane)
  }

  #dispatchFrom(lane: Lane): void {
    while (!lane.queued && lane.ready) {
      lane.queued = true
      // When its turn has come already, it is not queued any more.
      void this.#queue.add(() => this.#carry(lane))
    }
  }

  /** Carries one batch of a lane there and back. Never rejects: the outcome belongs to the callers. */
  async #carry(lane: Lane): Promise<void> {
    lane.queued = false
    const batch = lane.take()
    if (batch !== undefined) {
      const { rest } = await this.#courier.carry(batch)
      this.#listener.batchDone(batch)
      lane.release(batch, rest)
    }
    this.#schedule()
  }

  /** Always as a load: whoever asked whether the session exists can ride on it. */
  #reissue(operation: Operation, caller: Caller): void {
    const { key, hash } = operation
    const { asks, acceptedAt, resolve } = caller
    const slot = { opcode: Opcode.LOAD, key, hash, expiry: 0, codec: 0, payload: undefined }
    this.#laneOf(hash).readAgain({ ...slot, asks, acceptedAt, resolve })
  }
}
