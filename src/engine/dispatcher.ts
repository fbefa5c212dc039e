import { randomBytes } from 'node:crypto'
import PQueue from 'p-queue'
import {
  type CorruptNotice,
  type Failure,
  type LoadedRecord,
  Opcode,
  ReplyReader,
  RequestWriter,
  Status,
  sliceOf,
} from '../../workers/protocol/index.js'
import type { Batch, Operation } from './batch.js'
import { applySingly, applyWhole, type BatchCarrier, type Nonce, WorkerLostError } from './batch-carrier.js'
import { type Caller, type Demand, reject } from './caller.js'
import { Lane } from './lane.js'
import { type Outcome, type SettleContext, settle } from './settle.js'
import { lossOf, storageErrorOf } from './storage-errors.js'
import { ticks } from './ticks.js'

/** Where a batch of readers starts that only files can answer. */
const READERS_CAPACITY = 1024
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
  /** Whoever answers first. */
  readonly front: BatchCarrier
  /** Whoever is asked for what the first one says is only in files. */
  readonly files: BatchCarrier
  readonly lanes: number
  /** Batches under way at the most. */
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
  /** What the first ones asked have not answered yet, and what is being read from files for want of an answer there. */
  readonly #asking = new Set<Promise<void>>()
  readonly #reading = new Set<Promise<void>>()
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
    await Promise.all([...this.#lone, ...this.#reading, ...this.#lanes.map((lane) => lane.settled())])
  }

  /** Resolves when every file has been read whose reader has been sent on to it by the journal so far. */
  async filesRead(): Promise<void> {
    // An answer that sends readers on to files may just be on its way.
    await Promise.all(this.#asking)
    await Promise.all(this.#reading)
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
      const inFiles: Operation[] = []
      await tracked(this.#asking, this.#apply(batch, inFiles))
      const read = inFiles.length > 0 ? tracked(this.#reading, this.#readFiles(batch, inFiles)) : undefined
      this.#options.listener.batchDone(batch)
      lane.release(batch, read)
    }
    lane.dispatched = false
    this.#schedule()
  }

  #nextNonce(): Nonce {
    this.#nonceLow = (this.#nonceLow + NONCE_STEP) >>> 0
    return [this.#nonceLow, this.#nonceHigh]
  }

  /** Settles what is answered; whose answer is in files, is added to `inFiles`. */
  async #apply(batch: Batch, inFiles: Operation[]): Promise<void> {
    const { front } = this.#options
    const nonce = this.#nextNonce()
    const reply = await applyWhole(front, batch.writer, nonce)
    if (!(reply instanceof WorkerLostError)) {
      this.#settleReply(batch.operations, reply, (operation) => operation.slot, inFiles)
      return
    }
    for (const operation of batch.operations) {
      const own = await applySingly(front, operation, nonce, reply)
      if (own instanceof WorkerLostError) this.#settleLost(operation, own)
      else this.#settleReply([operation], own, () => 0, inFiles)
    }
  }

  /**
   * Reads what the journal knows nothing of. Nobody waits for it but the readers, and the next checkpoint: what is issued
   * later goes into the journal meanwhile, and must not be in the files before they have been read.
   */
  async #readFiles(batch: Batch, operations: readonly Operation[]): Promise<void> {
    const writer = new RequestWriter(READERS_CAPACITY)
    for (const { offset } of operations) writer.copy(batch.writer, offset)
    const reply = await applyWhole(this.#options.files, writer, this.#nextNonce())
    if (reply instanceof WorkerLostError)
      for (const operation of operations) this.#settleLost(operation, reply)
    else this.#settleReply(operations, reply, (_, index) => index, [])
  }

  #settleLost(operation: Operation, loss: WorkerLostError): void {
    this.#settleOne(operation, { status: Status.FAILED, record: undefined, failure: lossOf(loss) }, ticks())
  }

  #settleReply(
    operations: readonly Operation[],
    reply: ArrayBuffer | null,
    slotOf: (operation: Operation, index: number) => number,
    inFiles: Operation[],
  ): void {
    // One look at the clock for all: it costs as much as settling a promise.
    const now = ticks()
    if (reply === null) {
      for (const operation of operations) this.#settleOne(operation, DONE, now)
      return
    }
    const reader = new ReplyReader(reply)
    const records = reader.records()
    const { failures, corrupt } = reader.report()
    const failureOf = new Map(failures.map((failure) => [failure.slot, failure]))
    for (const [index, operation] of operations.entries()) {
      const slot = slotOf(operation, index)
      const status = reader.status(slot)
      if (status === Status.IN_FILE) inFiles.push(operation)
      else this.#settleOne(operation, outcomeOf(status, records.get(slot), failureOf.get(slot)), now)
    }
    for (const notice of corrupt) this.#options.listener.corrupt(notice)
  }

  #settleOne(operation: Operation, outcome: Outcome, now: number): void {
    this.#options.listener.operationDone(operation, outcome.status)
    settle(operation, operation.batch, outcome, this.#settling, now)
  }

  /** Always as a load: whoever asked whether the session exists can ride on it. */
  #reissue(operation: Operation, caller: Caller): void {
    const { key, hash } = operation
    const { asks, acceptedAt, resolve } = caller
    const slot = { opcode: Opcode.LOAD, key, hash, expiry: 0, codec: 0, payload: undefined }
    this.#laneOf(hash).readAgain({ ...slot, asks, acceptedAt, resolve })
  }
}

/** Keeps a promise in a set until it is settled. */
async function tracked(all: Set<Promise<void>>, promise: Promise<void>): Promise<void> {
  all.add(promise)
  try {
    await promise
  } finally {
    all.delete(promise)
  }
}

const DONE: Outcome = { status: Status.DONE, record: undefined, failure: undefined }

function outcomeOf(status: Status, record: LoadedRecord | undefined, failure: Failure | undefined): Outcome {
  if (status !== Status.FAILED) return { status, record, failure: undefined }
  return { status, record: undefined, failure: storageErrorOf(failure) }
}
