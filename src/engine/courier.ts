import { randomBytes } from 'node:crypto'
import {
  type CorruptNotice,
  type Failure,
  type LoadedRecord,
  ReplyReader,
  RequestWriter,
  Status,
} from '../../workers/protocol/index.js'
import type { Batch, Operation } from './batch.js'
import {
  applySingly,
  applyWhole,
  type BatchCarrier,
  type Nonce,
  type SlotPlace,
  WorkerLostError,
} from './batch-carrier.js'
import { type Outcome, type SettleContext, settle } from './settle.js'
import { lossOf, storageErrorOf } from './storage-errors.js'
import { ticks, ticksBetween } from './ticks.js'

/** Where a batch of readers starts that only files can answer. */
const READERS_CAPACITY = 1024
/** Larger than a batch has slots, so that write ids of two batches never meet. */
const NONCE_STEP = 1024

/** What the courier tells the engine. */
export interface CourierListener extends SettleContext {
  /** An operation is settled for the storage: its bytes are no longer pending. */
  operationDone(operation: Operation, status: Status): void
  /** A file in a session's place was none. */
  corrupt(notice: CorruptNotice): void
}

/** Options of {@link Courier}. */
export interface CourierOptions {
  /** Whoever answers first. */
  readonly front: BatchCarrier
  /** Whoever is asked for what the first one says is only in files. */
  readonly files: BatchCarrier
  readonly listener: CourierListener
}

/** A batch as it was handed to workers that died of it. */
interface LostBatch {
  /** Nobody else writes into it before all of its operations are settled. */
  readonly writer: RequestWriter
  readonly handed: readonly (SlotPlace & { readonly operation: Operation })[]
  readonly nonce: Nonce
  readonly loss: WorkerLostError
}

/** Takes a batch to the workers and settles what comes back. It knows no lanes: whose turn it is, is decided before. */
export class Courier {
  readonly #options: CourierOptions
  readonly #nonceHigh = randomBytes(4).readUInt32LE(0)
  #nonceLow = randomBytes(4).readUInt32LE(0)
  /** What the first ones asked have not answered yet, and what is being read from files for want of an answer there. */
  readonly #asking: Promise<void>[] = []
  readonly #reading: Promise<void>[] = []

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /**
   * Carries one batch there and back. Never rejects: the outcome belongs to the callers. `rest` settles readers that have
   * been sent on to files, if there are any: their keys are free before that.
   */
  async carry(batch: Batch): Promise<{ readonly rest: Promise<void> | undefined }> {
    const inFiles: Operation[] = []
    await tracked(this.#asking, this.#apply(batch, inFiles))
    const rest = inFiles.length > 0 ? tracked(this.#reading, this.#readFiles(batch, inFiles)) : undefined
    return { rest }
  }

  /** Resolves when every reader is settled that has been sent on to files so far. */
  async readersSettled(): Promise<void> {
    await Promise.all(this.#reading)
  }

  /** Resolves when every file has been read whose reader has been sent on to it by the journal so far. */
  async filesRead(): Promise<void> {
    // An answer that sends readers on to files may just be on its way.
    await Promise.all(this.#asking)
    await Promise.all(this.#reading)
  }

  #nextNonce(): Nonce {
    this.#nonceLow = (this.#nonceLow + NONCE_STEP) >>> 0
    return [this.#nonceLow, this.#nonceHigh]
  }

  /** Settles what is answered; whose answer is in files, is added to `inFiles`. */
  async #apply(batch: Batch, inFiles: Operation[]): Promise<void> {
    const { front } = this.#options
    const nonce = this.#nextNonce()
    const reply = await applyWhole(front, batch.writer, nonce, ageOf(batch))
    if (!(reply instanceof WorkerLostError)) {
      this.#settleReply(batch.operations, reply, (operation) => operation.slot, inFiles)
      return
    }
    const handed = batch.operations.map((operation) => ({
      operation,
      offset: operation.offset,
      slot: operation.slot,
    }))
    await this.#applySingly(front, { writer: batch.writer, handed, nonce, loss: reply }, inFiles)
  }

  /**
   * Reads what the journal knows nothing of. Nobody waits for it but the readers, and the next checkpoint: what is issued
   * later goes into the journal meanwhile, and must not be in the files before they have been read. Its slots are copied at
   * once: the lane lets go of the batch, and the next one is written over it.
   */
  async #readFiles(batch: Batch, operations: readonly Operation[]): Promise<void> {
    const writer = new RequestWriter(READERS_CAPACITY)
    const handed = operations.map((operation, slot) => {
      return { operation, offset: writer.copy(batch.writer, operation.offset), slot }
    })
    const { files } = this.#options
    const nonce = this.#nextNonce()
    const reply = await applyWhole(files, writer, nonce, 0)
    if (reply instanceof WorkerLostError)
      await this.#applySingly(files, { writer, handed, nonce, loss: reply }, [])
    else this.#settleReply(operations, reply, (_, index) => index, [])
  }

  /** Each alone, after workers have died of all of them together. */
  async #applySingly(
    carrier: BatchCarrier,
    { writer, handed, nonce, loss }: LostBatch,
    inFiles: Operation[],
  ): Promise<void> {
    for (const { operation, ...place } of handed) {
      const own = await applySingly(carrier, writer, place, nonce, loss)
      if (own instanceof WorkerLostError) this.#settleLost(operation, own)
      else this.#settleReply([operation], own, () => 0, inFiles)
    }
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
    const { failures, corrupt } = reader.report()
    const failureOf = new Map(failures.map((failure) => [failure.slot, failure]))
    for (const [index, operation] of operations.entries()) {
      const slot = slotOf(operation, index)
      const status = reader.status(slot)
      if (status === Status.IN_FILE) inFiles.push(operation)
      else this.#settleOne(operation, outcomeOf(status, reader.record(slot), failureOf.get(slot)), now)
    }
    for (const notice of corrupt) this.#options.listener.corrupt(notice)
  }

  #settleOne(operation: Operation, outcome: Outcome, now: number): void {
    operation.settled = true
    this.#options.listener.operationDone(operation, outcome.status)
    settle(operation, operation.batch, outcome, this.#options.listener, now)
  }
}

/** Milliseconds that the last of its operations has waited for its turn. */
function ageOf({ operations }: Batch): number {
  const last = operations.at(-1)
  return last === undefined ? 0 : Math.max(0, ticksBetween(last.acceptedAt, ticks())) / 1000
}

/** Keeps a promise in a list until it is settled. No `Set`, for the reason that `LatestOperations` is no `Map`. */
async function tracked(all: Promise<void>[], promise: Promise<void>): Promise<void> {
  all.push(promise)
  try {
    await promise
  } finally {
    all.splice(all.indexOf(promise), 1)
  }
}

const DONE: Outcome = { status: Status.DONE, record: undefined, failure: undefined }

function outcomeOf(status: Status, record: LoadedRecord | undefined, failure: Failure | undefined): Outcome {
  if (status !== Status.FAILED) return { status, record, failure: undefined }
  return { status, record: undefined, failure: storageErrorOf(failure) }
}
