import { randomBytes } from 'node:crypto'
import PQueue from 'p-queue'
import {
  type CorruptNotice,
  type Failure,
  type LoadedRecord,
  Opcode,
  ReplyReader,
  Status,
  sliceOf,
} from '../../workers/protocol/index.js'
import type { Batch, Operation } from './batch.js'
import { type Caller, type Demand, reject } from './caller.js'
import { Lane } from './lane.js'
import { type Outcome, type SettleContext, settle } from './settle.js'
import { lossOf, storageErrorOf } from './storage-errors.js'
import { ticks } from './ticks.js'
import { WorkerLostError, type WorkerPool } from './worker-pool.js'

/** So often a whole batch is handed to a worker; after that each of its operations goes alone. */
const WHOLE_ATTEMPTS = 2
/** Larger than a batch has slots, so that write ids of two batches never meet. */
const NONCE_STEP = 1024

/** What the dispatcher tells the engine. */
export interface DispatcherListener extends Omit<SettleContext, 'reissue'> {
  /** A pool task came back. */
  batchDone(batch: Batch): void
  /** An operation is settled for the storage: its bytes are no longer pending. */
  operationDone(operation: Operation, status: Status): void
  /** A file in a session's place was none. */
  corrupt(notice: CorruptNotice): void
}

/** Options of {@link Dispatcher}. */
export interface DispatcherOptions {
  readonly pool: WorkerPool
  readonly lanes: number
  /** Batches under way at the most: threads × depth. */
  readonly concurrency: number
  readonly listener: DispatcherListener
}

/**
 * Takes demands into lanes, hands ready lanes' batches to the pool, at most `concurrency` at a time, and settles
 * what comes back.
 *
 * Lanes are looked at once per turn of the event loop: what callers issue in one turn, from however many requests,
 * goes into the same batches.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #lanes: readonly Lane[]
  readonly #queue: PQueue
  readonly #nonceHigh = randomBytes(4).readUInt32LE(0)
  #nonceLow = randomBytes(4).readUInt32LE(0)
  readonly #lone = new Set<Promise<void>>()
  #started = false
  #scheduled = false
  readonly #settling: SettleContext

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#lanes = Array.from({ length: options.lanes }, () => new Lane())
    this.#queue = new PQueue({ concurrency: options.concurrency })
    const { listener } = options
    this.#settling = {
      codec: listener.codec,
      decode: (key, payload, codec, writeId) => listener.decode(key, payload, codec, writeId),
      settled: (caller, failed, now) => listener.settled(caller, failed, now),
      reissue: (operation, caller) => this.#reissue(operation, caller),
    }
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
    this.#schedule()
    return freed
  }

  /** Resolves when everything accepted so far is settled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lone, ...this.#lanes.map((lane) => lane.settled())])
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
          this.#options.listener.operationDone(operation, Status.FAILED)
          for (const caller of operation.callers()) {
            this.#options.listener.settled(caller, true, now)
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
    for (const lane of this.#lanes) {
      if (lane.dispatched || !lane.ready) continue
      lane.dispatched = true
      void this.#queue.add(() => this.#carry(lane))
    }
  }

  /** Carries one batch of a lane to a worker and back. Never rejects: the outcome belongs to the callers. */
  async #carry(lane: Lane): Promise<void> {
    const batch = lane.take()
    if (batch !== undefined) {
      const nonce = this.#nextNonce()
      const reply = await this.#applyWhole(batch, nonce)
      if (reply instanceof WorkerLostError) await this.#applySingly(batch, nonce, reply)
      else this.#settleBatch(batch, reply)
      this.#options.listener.batchDone(batch)
      lane.release(batch)
    }
    lane.dispatched = false
    this.#schedule()
  }

  #nextNonce(): readonly [number, number] {
    this.#nonceLow = (this.#nonceLow + NONCE_STEP) >>> 0
    return [this.#nonceLow, this.#nonceHigh]
  }

  /** A batch whose worker dies goes to another one: all operations may be done twice, creates know their own record. */
  async #applyWhole(
    batch: Batch,
    nonce: readonly [number, number],
  ): Promise<ArrayBuffer | null | WorkerLostError> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#options.pool.apply(
          batch.writer.toWire(attempt, nonce, this.#options.pool.takeSpare()),
        )
      } catch (error) {
        // No room for another copy of the batch, say: for a single operation there may be.
        if (!(error instanceof WorkerLostError))
          return new WorkerLostError('the batch could not be handed over', { cause: error })
        if (attempt + 1 >= WHOLE_ATTEMPTS) return error
      }
    }
  }

  /** One operation of this batch kills workers, so it seems: only that one is to fail. */
  async #applySingly(batch: Batch, nonce: readonly [number, number], first: WorkerLostError): Promise<void> {
    for (const operation of batch.operations) {
      const { offset, slot } = operation
      let reply: ArrayBuffer | null
      try {
        reply = await this.#options.pool.apply(batch.writer.slotToWire(offset, slot, WHOLE_ATTEMPTS, nonce))
      } catch (error) {
        const failure = lossOf(error instanceof WorkerLostError ? error : first)
        this.#settleOne(operation, batch, { status: Status.FAILED, record: undefined, failure }, ticks())
        continue
      }
      this.#settleReply([operation], batch, reply, () => 0)
    }
  }

  #settleBatch(batch: Batch, reply: ArrayBuffer | null): void {
    this.#settleReply(batch.operations, batch, reply, (operation) => operation.slot)
  }

  #settleReply(
    operations: readonly Operation[],
    batch: Batch,
    reply: ArrayBuffer | null,
    slotOf: (operation: Operation) => number,
  ): void {
    // One look at the clock for all: it costs as much as settling a promise.
    const now = ticks()
    if (reply === null) {
      for (const operation of operations) this.#settleOne(operation, batch, DONE, now)
      return
    }
    const reader = new ReplyReader(reply)
    const records = reader.records()
    const { failures, corrupt } = reader.report()
    const failureOf = new Map(failures.map((failure) => [failure.slot, failure]))
    for (const operation of operations) {
      const slot = slotOf(operation)
      this.#settleOne(
        operation,
        batch,
        outcomeOf(reader.status(slot), records.get(slot), failureOf.get(slot)),
        now,
      )
    }
    for (const notice of corrupt) this.#options.listener.corrupt(notice)
  }

  #settleOne(operation: Operation, batch: Batch, outcome: Outcome, now: number): void {
    this.#options.listener.operationDone(operation, outcome.status)
    settle(operation, batch, outcome, this.#settling, now)
  }

  /** Always as a load: whoever asked whether the session exists can ride on it. */
  #reissue(operation: Operation, caller: Caller): void {
    const { key, hash } = operation
    const { asks, acceptedAt, resolve } = caller
    const slot = { opcode: Opcode.LOAD, key, hash, expiry: 0, codec: 0, payload: undefined }
    this.#laneOf(hash).readAgain({ ...slot, asks, acceptedAt, resolve })
  }
}

const DONE: Outcome = { status: Status.DONE, record: undefined, failure: undefined }

function outcomeOf(status: Status, record: LoadedRecord | undefined, failure: Failure | undefined): Outcome {
  if (status !== Status.FAILED) return { status, record, failure: undefined }
  return { status, record: undefined, failure: storageErrorOf(failure) }
}
