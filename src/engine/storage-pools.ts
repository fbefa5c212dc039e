import {
  type ConnectionStatistics,
  type CorruptNotice,
  connectionMemory,
  type JournalDescription,
  type JournalGauge,
  type Ownership,
  readConnections,
  type StorageDescription,
} from '../../workers/protocol/index.js'
import type { StorageError } from '../errors.js'
import { AppendTime } from './append-time.js'
import type { BatchCarrier } from './batch-carrier.js'
import { Checkpointer } from './checkpointer.js'
import { openingFailure, openPool } from './closing.js'
import type { DispatchShape } from './dispatcher.js'
import type { RecoveryProgress } from './events.js'
import type { HotSessions } from './hot-sessions.js'
import { JournalFront } from './journal-front.js'
import type { LaneCut } from './lane.js'
import type { Pending } from './pending.js'
import type { JournalStatistics } from './statistics.js'
import { Walker } from './walker.js'
import { WorkerPool } from './worker-pool.js'

/** Tasks handed to one worker at a time: while it works on one, the next lies ready. */
const DEPTH = 2
/** Operations of one batch at the most: past it the cost of the pool task is spread thin enough. */
const MOST_SLOTS = 256
/**
 * How much those who write files behind a journal give way: saves have been acknowledged before. Not more, for loads that the
 * journal cannot answer wait for them as well.
 */
const BEHIND_JOURNAL = 5

/** Options of {@link StoragePools}. */
export interface StoragePoolsOptions {
  readonly storage: StorageDescription
  readonly threads: number
  readonly pending: Pending
  /** What the engine remembers of the journal, where there is one. */
  readonly hot: HotSessions | undefined
  readonly onCorrupt: (notice: CorruptNotice) => void
  readonly onRecovery: (progress: RecoveryProgress) => void
  /** Resolves when the files that are being read at that moment have been read. */
  readonly filesRead: () => Promise<void>
  /** Work in the background failed. */
  readonly onFailure: (error: StorageError) => void
}

/**
 * All workers of a storage: those of its files, the one that walks through them, and the one of the journal in front of
 * them, if there is one.
 */
export class StoragePools {
  readonly #options: StoragePoolsOptions
  readonly files: WorkerPool
  readonly walker: Walker
  readonly #connections: SharedArrayBuffer | undefined
  readonly #appendTime = new AppendTime()
  #front: JournalFront | undefined
  #checkpointer: Checkpointer | undefined
  #ownership: Ownership | undefined
  #opening: Promise<void> = Promise.resolve()
  #terminated = false
  #lostFronts = 0

  constructor(options: StoragePoolsOptions) {
    this.#options = options
    const { storage, threads, pending } = options
    if (storage.journal?.role === 'ahead') pending.journal.limit = storage.journal.memoryLimit
    const niceness = storage.journal?.role === 'ahead' ? BEHIND_JOURNAL : 0
    const connections = storage.waitsForOthers === true ? connectionMemory() : undefined
    this.#connections = connections
    this.files = new WorkerPool({ storage, threads, depth: DEPTH, niceness, connections })
    this.walker = new Walker(storage, () => pending.operations > 0, connections)
  }

  /** Whoever batches go to. */
  get front(): BatchCarrier {
    if (!this.#hasJournal) return this.files
    return {
      apply: (wire) => this.#openFront.apply(wire),
      takeSpare: () => this.#openFront.takeSpare(),
    }
  }

  /** How batches are cut for whoever they go to. */
  get shape(): DispatchShape {
    const { storage, threads } = this.#options
    const { journal } = storage
    if (journal?.role !== 'ahead') {
      const cut = { depth: 1, slots: MOST_SLOTS }
      return { lanes: storage.lanes(threads, DEPTH), cut: () => cut, concurrency: threads * DEPTH }
    }
    // One worker, whose batches can follow each other: what callers issue in a turn need not be parted.
    const { depth } = journal
    const usual = { depth, slots: MOST_SLOTS / depth }
    // Then everything that waits had better share one append.
    const whileLong = { depth: 1, slots: MOST_SLOTS }
    const cut = (): LaneCut => (this.#appendTime.isLong ? whileLong : usual)
    return { lanes: 1, cut, concurrency: depth }
  }

  /** Workers that died. */
  get lost(): number {
    return this.files.lost + this.walker.lost + (this.#front?.lost ?? 0) + this.#lostFronts
  }

  /** What the journal holds; `undefined` without one. */
  get journal(): JournalStatistics | undefined {
    if (this.#checkpointer === undefined) return undefined
    const { count, milliseconds, lag } = this.#checkpointer.statistics
    const { memory, disk } = this.#options.pending.journal
    return { memoryBytes: memory, diskBytes: disk, checkpoints: { count, milliseconds }, lag }
  }

  /** Connections to servers; `undefined` where there are none to be had. */
  get connections(): ConnectionStatistics | undefined {
    if (this.#connections === undefined) return undefined
    return readConnections(this.#connections, new Set([...this.files.threadIds, ...this.walker.threadIds]))
  }

  /**
   * Opens everything; reads back and brings to files, or begins to, what an engine that died has left in a journal.
   * @throws {StorageError} naming the problem; it may be tried again
   * @throws {OwnedError}
   */
  open(): Promise<void> {
    this.#opening = this.#open()
    return this.#opening
  }

  /** Resolves when everything acknowledged so far is in files, which needs a journal to be more than a moment. */
  async bringToFiles(): Promise<void> {
    await this.#checkpointer?.flush()
  }

  /**
   * Brings everything to files and ends the workers.
   * @throws {StorageError} when something could not be written; the journal is left for the next engine to read back
   */
  async close(): Promise<void> {
    await this.walker.close()
    try {
      await this.#closeJournal()
    } catch (error) {
      await this.#front?.terminate()
      throw error
    } finally {
      await this.files.close()
      // Not before: what a worker still writes must not meet what the next owner does.
      await this.#release()
    }
  }

  /**
   * Ends the workers at once, and rejects what they have in hand. Resolves when there are none any more, and the directory
   * is given up; a worker that hangs in a system call lasts as long as that.
   */
  async terminate(reason: Error): Promise<void> {
    this.#terminated = true
    await Promise.all([
      this.#checkpointer?.stop(),
      this.walker.terminate(reason),
      this.#front?.terminate(reason),
      this.files.terminate(reason),
    ])
    // It may just have come to own the directory.
    await this.#opening.catch(() => undefined)
    await this.#release()
  }

  get #hasJournal(): boolean {
    return this.#options.storage.journal?.role === 'ahead'
  }

  get #openFront(): JournalFront {
    // Batches leave when the opening is done, and not after the closing has begun to end it.
    return this.#front as JournalFront
  }

  async #open(): Promise<void> {
    try {
      const { journal } = this.#options.storage
      const ownership = journal && (await own(journal))
      this.#ownership = ownership
      await openPool(this.files)
      if (journal === undefined || ownership === undefined) return
      await this.#openJournal(journal)
      if (this.#hasJournal) return
      await this.#closeJournal()
      await this.#release()
    } catch (error) {
      // Whoever has ended the workers gives the directory up, when there are none any more.
      if (this.#terminated) throw error
      await this.#front?.terminate()
      await this.#release()
      this.#front = undefined
      this.#checkpointer = undefined
      throw error
    }
  }

  async #openJournal(journal: JournalDescription): Promise<void> {
    const { threads, pending, hot, onCorrupt, onRecovery, filesRead, onFailure } = this.#options
    let checkpointer: Checkpointer | undefined
    const front = new JournalFront(journal, (gauge) => {
      pending.journal.memory = gauge.memory * 1024
      pending.journal.disk = gauge.disk * 1024
      this.#appendTime.note(gauge.append)
      pending.lowered()
      checkpointer?.noteGauge(gauge)
    })
    this.#front = front
    let gauge: JournalGauge = { memory: 0, disk: 0, append: 0 }
    await front.open(({ corrupt, gauge: latest, ...progress }) => {
      for (const notice of corrupt) onCorrupt(notice)
      if (progress.totalBytes > 0) onRecovery(progress)
      gauge = latest
    })
    checkpointer = new Checkpointer({
      front,
      files: this.files,
      threads,
      interval: journal.checkpointInterval,
      diskBytes: journal.checkpointBytes,
      memoryBytes: journal.memoryLimit / 2,
      filesRead,
      hot,
      onFailure,
    })
    this.#checkpointer = checkpointer
    checkpointer.noteGauge(gauge)
    // What was left over goes to files while the engine is at work already.
    checkpointer.begin()
  }

  /** Brings everything to files, and ends the journal's worker. */
  async #closeJournal(): Promise<void> {
    await this.#checkpointer?.stop()
    await this.#checkpointer?.flush()
    await this.#front?.close()
    this.#lostFronts += this.#front?.lost ?? 0
    this.#front = undefined
    this.#checkpointer = undefined
  }

  async #release(): Promise<void> {
    const ownership = this.#ownership
    this.#ownership = undefined
    await ownership?.release(this.#front === undefined)
  }
}

async function own(journal: JournalDescription): Promise<Ownership | undefined> {
  try {
    return await journal.own()
  } catch (error) {
    throw openingFailure(error)
  }
}
