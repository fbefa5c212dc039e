import PQueue from 'p-queue'
import type { Failure, StorageBinding, WalkKind, WalkSlice } from '../../workers/protocol/index.js'
import { EngineClosedError, StorageError } from '../errors.js'
import type { WorkerLostError } from './batch-carrier.js'
import { storageErrorOf } from './storage-errors.js'
import { WorkerPool } from './worker-pool.js'

/** A sweep can wait, and so can whoever counts. */
const NICENESS = 10

/**
 * Walks through everything stored, for listing, counting, clearing and the sweep: in a thread of its own, so that
 * no save ever waits behind a directory; a slice at a time, so that several walks take turns and an abandoned one
 * stops at once. The thread starts with the first walk.
 */
export class Walker {
  readonly #pool: WorkerPool
  readonly #othersAtWork: () => boolean
  readonly #turns = new PQueue({ concurrency: 1 })
  #nextId = 1
  /** Why walks do not go on any more. */
  #closed: Error | undefined

  /**
   * @param othersAtWork whether somebody waits for what is not a walk
   * @param connections where connections are counted
   */
  constructor(storage: StorageBinding, othersAtWork: () => boolean, connections?: SharedArrayBuffer) {
    this.#othersAtWork = othersAtWork
    this.#pool = new WorkerPool({ storage, threads: 1, depth: 1, niceness: NICENESS, connections })
  }

  /** Threads of it that died. */
  get lost(): number {
    return this.#pool.lost
  }

  /** The ids of its threads at present: one or none. */
  get threadIds(): number[] {
    return this.#pool.threadIds
  }

  /** The slices of a walk. Leaving the loop early ends it. */
  async *walk(kind: WalkKind): AsyncGenerator<WalkSlice, void, undefined> {
    const id = this.#nextId++
    let step: 'start' | 'next' = 'start'
    let done = false
    try {
      while (!done) {
        const slice = await this.#step(id, kind, step)
        step = 'next'
        done = slice.done
        yield slice
      }
    } finally {
      if (!done && step === 'next' && this.#closed === undefined) {
        await this.#pool.endWalk({ id, kind, step: 'end' }).catch(() => undefined)
      }
    }
  }

  /** Lets the slice under way finish, then ends the thread. Walks that go on reject. */
  async close(): Promise<void> {
    this.#closed ??= new EngineClosedError()
    await this.#turns.onIdle()
    await this.#pool.close()
  }

  /** Ends the thread at once. Walks under way, and those that go on, reject with the reason. */
  async terminate(reason: Error): Promise<void> {
    this.#closed = reason
    await this.#pool.terminate(reason)
  }

  async #step(id: number, kind: WalkKind, step: 'start' | 'next'): Promise<WalkSlice> {
    const answer = await this.#turns.add(async () => {
      if (this.#closed !== undefined) throw this.#closed
      return this.#take(id, kind, step).catch(workerLost)
    })
    if (isFailure(answer)) throw storageErrorOf(answer)
    return answer
  }

  async #take(id: number, kind: WalkKind, step: 'start' | 'next'): Promise<WalkSlice | Failure> {
    const failure = step === 'start' ? await this.#pool.open() : undefined
    // Between two slices a walk leaves the processors to others: a fifth of its time, so rarely where there are none.
    const length = this.#othersAtWork() ? 'short' : 'long'
    return failure ?? this.#pool.walk({ id, kind, step, length })
  }
}

function workerLost({ cause }: WorkerLostError): never {
  if (cause instanceof StorageError) throw cause
  throw new StorageError('WORKER_LOST', 'the worker thread of this walk died; start it again', { cause })
}

function isFailure(answer: WalkSlice | Failure): answer is Failure {
  return 'code' in answer
}
