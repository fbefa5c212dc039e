import { Piscina } from 'piscina'
import {
  type CheckpointAnswer,
  type CheckpointStep,
  type Failure,
  isAllDone,
  type LastAnswer,
  lacksDescriptors,
  loseConnections,
  type ReplaySlice,
  type StorageBinding,
  type WalkSlice,
  type WalkTask,
  type WorkerBinding,
} from '../../workers/protocol/index.js'
import { MOST_BYTES } from './batch.js'
import { type BatchCarrier, WorkerLostError } from './batch-carrier.js'

const WORKER = new URL('../../workers/worker.js', import.meta.url).href

/** Bytes of a buffer that is kept to be filled again, at the most: an idle engine holds no more than a few. */
const LARGEST_SPARE = MOST_BYTES + 4 * 1024

/**
 * MiB of young objects in a worker, at the most, unless its storage says otherwise. A worker's objects live as long as a
 * batch; left to itself, V8 lets their space grow to 48 MiB over millions of saves, for nothing: it is not faster.
 */
const YOUNG_GENERATION = 6

/** Of this process: each has a number of its own. */
let poolsSoFar = 0

/** Options of {@link WorkerPool}. */
export interface WorkerPoolOptions {
  readonly storage: StorageBinding
  readonly threads: number
  /** Tasks handed to one worker at a time: while it works on one, the next lies ready. */
  readonly depth: number
  /** By how much other threads go first where processors are short: 0 to 19, as for nice(1), on Linux. Default 0. */
  readonly niceness?: number
  /** Where connections are counted. */
  readonly connections?: SharedArrayBuffer | undefined
  /** The worker's file; tests bring workers that misbehave. */
  readonly worker?: string
  /** Sees every answer to a batch, before its buffer is filled again. */
  readonly onAnswer?: (answer: ArrayBuffer) => void
}

/**
 * A Piscina pool that outlives its workers.
 *
 * Tasks never reject by themselves: a worker answers a failure as a result. So a rejection means that the worker died,
 * and becomes a {@link WorkerLostError}: tasks reject with nothing else. A pool whose workers die before they are ready is
 * thrown away whole; the next task gets a new one, and no task, no new one: there is nothing to respawn in a loop.
 */
export class WorkerPool implements BatchCarrier {
  readonly #options: WorkerPoolOptions & { readonly worker: string }
  readonly #number = ++poolsSoFar
  readonly #spares: ArrayBuffer[] = []
  #pool: Piscina | undefined
  #ending: Promise<void> | undefined
  #outstanding = 0
  #lost = 0
  #closed = false
  #closedBy: Error | undefined

  constructor(options: WorkerPoolOptions) {
    this.#options = { worker: WORKER, ...options }
  }

  /** Workers that died. */
  get lost(): number {
    return this.#lost
  }

  /** The ids of its threads at present. */
  get threadIds(): number[] {
    return this.#pool?.threads.map(({ threadId }) => threadId) ?? []
  }

  /**
   * Opens the storage in every worker; the first failure, if any. After a want of descriptors the next try gets new
   * workers: a module that could not be read is one that a worker never reads again.
   */
  async open(): Promise<Failure | undefined> {
    const tasks = Array.from({ length: this.#options.threads }, () =>
      this.#run<Failure | undefined>('open', null),
    )
    // All of them, also when one has died: the others may have failed, and are not to be asked again.
    const outcomes = await Promise.allSettled(tasks)
    if (outcomes.some(isLackOfDescriptors) && this.#pool !== undefined) this.#discard(this.#pool)
    return (await Promise.all(tasks)).find((failure) => failure !== undefined)
  }

  /** Hands over one batch; its buffer is transferred. Resolves with its reply, or `null` when every slot is done. */
  async apply(wire: ArrayBuffer): Promise<ArrayBuffer | null> {
    const answer = await this.#run<ArrayBuffer>('apply', wire, [wire])
    const { threads, depth, onAnswer } = this.#options
    onAnswer?.(answer)
    if (!isAllDone(answer)) return answer
    if (answer.byteLength <= LARGEST_SPARE && this.#spares.length < threads * depth) this.#spares.push(answer)
    return null
  }

  /** A buffer that has come back and may be filled again. */
  takeSpare(): ArrayBuffer | undefined {
    return this.#spares.pop()
  }

  /** Takes one step of a walk. Only meaningful in a pool of one thread: a walk lives in its worker. */
  walk(task: WalkTask & { readonly step: 'start' | 'next' }): Promise<WalkSlice | Failure> {
    return this.#run('walk', task)
  }

  /** Gives a walk up. */
  async endWalk(task: WalkTask & { readonly step: 'end' }): Promise<void> {
    await this.#run('walk', task)
  }

  /** Reads the next part of what a journal held. Only meaningful in a pool of one thread, as is `checkpoint`. */
  replay(): Promise<ReplaySlice | Failure> {
    return this.#run('replay', null)
  }

  /** Takes one step of a checkpoint. */
  checkpoint(step: CheckpointStep): Promise<CheckpointAnswer | Failure> {
    return this.#run('checkpoint', step)
  }

  /** Lets the workers clean up and ends them. */
  async close(): Promise<void> {
    const farewells = Array.from({ length: this.#pool?.threads.length ?? 0 }, () => this.#run('close', null))
    await Promise.allSettled(farewells)
    await this.terminate()
  }

  /**
   * Ends the workers at once; tasks under way are lost, for the given reason, and no new worker starts. Resolves, also for
   * whoever comes second, when there are no workers any more: one that hangs in a system call lasts as long as that.
   */
  async terminate(reason?: Error): Promise<void> {
    this.#closed = true
    this.#closedBy ??= reason
    if (this.#pool !== undefined) this.#discard(this.#pool)
    await this.#ending
  }

  async #run<Result>(name: string, task: unknown, transferList: ArrayBuffer[] = []): Promise<Result> {
    // At once: the end may take as long as a system call hangs.
    if (this.#closed) throw new WorkerLostError('the pool is closed', { cause: this.#closedBy })
    this.#outstanding++
    try {
      // What a worker of the pool before still does must not meet what those of the next one do.
      if (this.#ending !== undefined) await this.#ending
      const pool = this.#ensurePool()
      // Piscina types results as any; what each function returns is fixed by workers/worker.ts.
      const result = (await pool.run(task, { name, transferList })) as Result | LastAnswer
      if (!isLastAnswer(result)) return result
      const { answer, thread } = result
      // A task that it has been handed meanwhile is lost with it, and goes to another one.
      for (const worker of pool.threads) if (worker.threadId === thread) void worker.terminate()
      return answer as Result
    } catch (error) {
      const { connections } = this.#options
      // Before anything goes to another one.
      if (connections !== undefined) loseConnections(connections, this.#number, new Set(this.threadIds))
      throw new WorkerLostError('a worker died', { cause: this.#closedBy ?? error })
    } finally {
      this.#outstanding--
    }
  }

  /** The pool, a new one where there is none; a closed one stays closed, whoever has waited meanwhile. */
  #ensurePool(): Piscina {
    if (this.#closed) throw new Error('the pool is closed')
    if (this.#pool !== undefined) return this.#pool
    const { storage, threads, depth, worker, connections, niceness = 0 } = this.#options
    const { module, options, youngGeneration = YOUNG_GENERATION } = storage
    const binding: WorkerBinding = { module, options, niceness, pool: this.#number, connections }
    const pool = new Piscina({
      filename: worker,
      workerData: binding,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: depth,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      resourceLimits: { maxYoungGenerationSizeMb: youngGeneration },
    })
    // Without a task to reject, a dead worker is told by this event: it died while it started.
    pool.on('error', () => {
      if (this.#pool === pool) this.#lost++
      this.#discard(pool)
    })
    pool.on('workerDestroy', () => {
      if (this.#pool !== pool || this.#closed) return
      this.#lost++
      // Looked at when Piscina has made up its mind about a successor.
      setImmediate(() => {
        if (pool.threads.length === 0 && this.#outstanding > 0) this.#discard(pool)
      })
    })
    this.#pool = pool
    return pool
  }

  /** Rejects every task that still waits in a pool without workers, or with some that are not to be trusted. */
  #discard(pool: Piscina): void {
    if (this.#pool === pool) this.#pool = undefined
    const ending = Promise.all([pool.destroy(), this.#ending]).then(() => {
      if (this.#ending === ending) this.#ending = undefined
    })
    this.#ending = ending
  }
}

function isLackOfDescriptors(outcome: PromiseSettledResult<Failure | undefined>): boolean {
  return outcome.status === 'fulfilled' && outcome.value !== undefined && lacksDescriptors(outcome.value)
}

function isLastAnswer(result: unknown): result is LastAnswer {
  return typeof result === 'object' && result !== null && 'thread' in result
}
