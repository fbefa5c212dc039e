import {
  type CheckpointAnswer,
  type CheckpointStep,
  type Failure,
  gaugeOf,
  type JournalDescription,
  type JournalGauge,
  type ReplaySlice,
} from '../../workers/protocol/index.js'
import type { BatchCarrier, WorkerLostError } from './batch-carrier.js'
import { openPool } from './closing.js'
import { lossOf, storageErrorOf } from './storage-errors.js'
import { WorkerPool } from './worker-pool.js'

/** The journal's one worker, and what it tells of its size. */
export class JournalFront implements BatchCarrier {
  readonly #pool: WorkerPool
  readonly #onGauge: (gauge: JournalGauge) => void

  constructor(journal: JournalDescription, onGauge: (gauge: JournalGauge) => void) {
    this.#onGauge = onGauge
    this.#pool = new WorkerPool({
      storage: journal,
      threads: 1,
      depth: journal.depth,
      onAnswer: (answer) => onGauge(gaugeOf(answer)),
    })
  }

  /** Workers that died. */
  get lost(): number {
    return this.#pool.lost
  }

  /**
   * Opens the journal and reads back what an earlier engine has left in it.
   * @throws {StorageError}
   */
  async open(onSlice: (slice: ReplaySlice) => void): Promise<void> {
    await openPool(this.#pool)
    for (let done = false; !done; ) {
      const slice = succeeded(await this.#pool.replay().catch(lostWhileOpening))
      onSlice(slice)
      done = slice.done
    }
  }

  apply(wire: ArrayBuffer): Promise<ArrayBuffer | null> {
    return this.#pool.apply(wire)
  }

  takeSpare(): ArrayBuffer | undefined {
    return this.#pool.takeSpare()
  }

  /**
   * Takes one step of a checkpoint.
   * @throws {StorageError}
   * @throws {WorkerLostError}
   */
  async checkpoint(step: CheckpointStep): Promise<CheckpointAnswer> {
    const answer = succeeded(await this.#pool.checkpoint(step))
    this.#onGauge(answer.gauge)
    return answer
  }

  /** Ends the worker when what it has is done. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  /** Ends the worker at once. */
  terminate(reason?: Error): Promise<void> {
    return this.#pool.terminate(reason)
  }
}

function lostWhileOpening(loss: WorkerLostError): never {
  throw lossOf(loss)
}

function succeeded<Answer extends object>(answer: Answer | Failure): Answer {
  if ('syscall' in answer) throw storageErrorOf(answer)
  return answer
}
