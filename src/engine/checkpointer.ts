import type { CheckpointStep, JournalGauge, StoredSlice } from '../../workers/protocol/index.js'
import { StorageError } from '../errors.js'
import { type BatchCarrier, WorkerLostError } from './batch-carrier.js'
import type { HotSessions } from './hot-sessions.js'
import type { JournalFront } from './journal-front.js'
import { lossOf, storageErrorOf } from './storage-errors.js'

/** Milliseconds after a checkpoint that failed, before the journal's size alone begins another one. */
const BREATHER = 1000
/** So often a checkpoint begins anew because the journal's worker died. */
const MOST_BEGINNINGS = 3

/** Options of {@link Checkpointer}. */
export interface CheckpointerOptions {
  readonly front: JournalFront
  readonly files: BatchCarrier
  /** Workers of the files. */
  readonly threads: number
  /** Milliseconds. */
  readonly interval: number
  /** Bytes of the journal on disk past which a checkpoint begins at once. */
  readonly diskBytes: number
  /** Bytes of its memory past which it does, with all threads there are. */
  readonly memoryBytes: number
  /** Resolves when the files that are being read at that moment have been read. */
  readonly filesRead: () => Promise<void>
  /** What the engine remembers of the journal: with the journal, it forgets what is in files. */
  readonly hot: HotSessions | undefined
  /** One that nobody waited for failed; what it did not write, stays in the journal. */
  readonly onFailure: (error: StorageError) => void
}

/** The slices of one checkpoint on their way to files. */
interface Writing {
  readonly writers: Set<Promise<void>>
  /** There is no slice left to be taken, or a writer has failed: no more of them begin. */
  done: boolean
  readonly failed: unknown[]
}

/** What `stats()` tells of checkpoints. */
export interface CheckpointStatistics {
  readonly count: number
  /** Milliseconds that the last one took. */
  readonly milliseconds: number
  /** Milliseconds since everything the journal held was in files; 0 when it holds nothing. */
  readonly lag: number
}

/**
 * Brings what the journal holds to files: slices from the journal's worker, through the event loop, to the workers of the
 * files, and what became of them back. One checkpoint at a time.
 *
 * Unless the journal grows over its marks, one worker of the files is left to loads; once it does, also while a
 * checkpoint is under way, all of them write.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #writing: Writing | undefined
  #gauge: JournalGauge = { memory: 0, disk: 0, append: 0 }
  #failedAt = Number.NEGATIVE_INFINITY
  #count = 0
  #milliseconds = 0
  #coveredAt = performance.now()
  #stopped = false

  constructor(options: CheckpointerOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.begin(), options.interval)
    this.#timer.unref()
  }

  /** What it has done. */
  get statistics(): CheckpointStatistics {
    const lag = this.#gauge.disk === 0 ? 0 : performance.now() - this.#coveredAt
    return { count: this.#count, milliseconds: this.#milliseconds, lag }
  }

  /** To be told whenever the journal tells its size. */
  noteGauge(gauge: JournalGauge): void {
    this.#gauge = gauge
    if (!this.#isOverMark()) return
    if (this.#running !== undefined) {
      this.#widen()
      return
    }
    if (performance.now() - this.#failedAt > BREATHER) this.begin()
  }

  /**
   * Resolves when everything that the journal holds now is in files.
   * @throws {StorageError} when something could not be written; the journal keeps it
   */
  async flush(): Promise<void> {
    // One under way may have begun before what the caller means.
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
    await this.#run()
  }

  /** Begins no more by itself, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
  }

  #isOverMark(): boolean {
    const { diskBytes, memoryBytes } = this.#options
    return this.#gauge.disk * 1024 > diskBytes || this.#gauge.memory * 1024 > memoryBytes
  }

  /** Begins one in the background, unless one is under way or there is nothing to be done. */
  begin(): void {
    if (this.#stopped || this.#running !== undefined || this.#gauge.disk === 0) return
    this.#run().catch((error: StorageError) => {
      if (!this.#stopped) this.#options.onFailure(error)
    })
  }

  #run(): Promise<void> {
    const running = this.#checkpoint().finally(() => {
      this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #checkpoint(): Promise<void> {
    const startedAt = performance.now()
    const { hot } = this.#options
    const mark = hot?.mark ?? 0
    try {
      await this.#writeAll()
    } catch (error) {
      this.#failedAt = performance.now()
      throw error
    }
    hot?.forgetBefore(mark)
    // It may have begun after some that were stored since the mark.
    if (this.#gauge.disk === 0) hot?.forget()
    this.#count++
    this.#milliseconds = performance.now() - startedAt
    this.#coveredAt = startedAt
  }

  async #writeAll(beginning = 1): Promise<void> {
    const { front, filesRead } = this.#options
    try {
      await front.checkpoint({ kind: 'begin' })
      // Of what it covers, nothing has been read from files since: so who was to read the version before, has.
      await filesRead()
      await this.#writeSlices()
      const { failures: [failure] = [] } = await front.checkpoint({ kind: 'end' })
      if (failure !== undefined) throw storageErrorOf(failure)
    } catch (error) {
      const reason = storageFailure(error)
      if (reason.errno !== 'WORKER_LOST' || beginning === MOST_BEGINNINGS) throw reason
      // A new worker has read the journal anew, and begins anew.
      await this.#writeAll(beginning + 1)
    }
  }

  async #writeSlices(): Promise<void> {
    const writing: Writing = { writers: new Set(), done: false, failed: [] }
    this.#writing = writing
    this.#widen()
    // All of them, also when one fails: a slice that is still being written must not meet those of the next checkpoint,
    // which may hold newer versions of the same sessions.
    while (writing.writers.size > 0) await Promise.all(writing.writers)
    this.#writing = undefined
    if (writing.failed.length > 0) throw writing.failed[0]
  }

  /** Lets as many slices be written at a time as the journal's size asks for. */
  #widen(): void {
    const writing = this.#writing
    if (writing === undefined) return
    const { threads } = this.#options
    // At the end, nobody loads any more.
    const all = this.#stopped || this.#isOverMark()
    const width = all ? threads : Math.max(1, threads - 1)
    while (!writing.done && writing.writers.size < width) {
      const writer = this.#writeInTurn(writing).finally(() => writing.writers.delete(writer))
      writing.writers.add(writer)
    }
  }

  /** Writes one slice after the other until there are no more. Never rejects. */
  async #writeInTurn(writing: Writing): Promise<void> {
    const { front, files } = this.#options
    let step: CheckpointStep = { kind: 'next' }
    try {
      for (;;) {
        const { slice } = await front.checkpoint(step)
        if (slice === undefined) break
        const stored: StoredSlice = { id: slice.id, reply: await applySlice(files, slice.wire) }
        step = { kind: 'next', stored }
      }
    } catch (error) {
      writing.failed.push(error)
    }
    writing.done = true
  }
}

async function applySlice(files: BatchCarrier, wire: ArrayBuffer): Promise<StoredSlice['reply']> {
  try {
    return await files.apply(wire)
  } catch (error) {
    if (error instanceof WorkerLostError) return 'lost'
    throw error
  }
}

function storageFailure(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  if (error instanceof WorkerLostError) return lossOf(error)
  return new StorageError('UNKNOWN', 'the checkpoint failed', { cause: error })
}
