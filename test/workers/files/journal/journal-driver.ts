import { readdirSync } from 'node:fs'
import { openStorage } from '#dist/workers/files/journal/index.js'
import type { JournalWorkerOptions } from '#dist/workers/files/journal/options.js'
import type { CheckpointAnswer, CorruptNotice, JournalStorage } from '#dist/workers/protocol/index.js'
import { Status } from '#dist/workers/protocol/index.js'
import { type BatchOutcome, type Step, StorageDriver, workerOptions } from '../storage-driver.js'

/** Drives a journal and the files behind it in this very thread, as the engine does it from another. */
export class JournalDriver extends StorageDriver {
  readonly journalOptions: JournalWorkerOptions
  #journal: JournalStorage
  /** Told while the journal was read back. */
  readonly replayed: CorruptNotice[] = []
  records = 0

  constructor(options: Partial<JournalWorkerOptions> = {}) {
    super({ ...options, exclusive: true })
    this.journalOptions = {
      segmentBytes: 2 ** 20,
      ...workerOptions({ ...options, directory: this.options.directory, exclusive: true }),
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
    }
    this.#journal = openStorage(this.journalOptions)
    this.#replay()
  }

  get journal(): JournalStorage {
    return this.#journal
  }

  get journalDirectory(): string {
    return `${this.options.directory}/.journal`
  }

  /** The journal's files. */
  get segments(): string[] {
    return readdirSync(this.journalDirectory)
      .filter((name) => name.endsWith('.log'))
      .sort()
  }

  /** What was in memory is gone. */
  reopen(): void {
    this.#journal.close()
    this.crash()
  }

  /** Closes what it has open. */
  [Symbol.dispose](): void {
    this.#journal.close()
  }

  /** The same without a farewell; what was open, stays so for the little while that a test takes. */
  crash(): void {
    this.#journal = openStorage(this.journalOptions)
    this.#replay()
  }

  override apply(
    steps: readonly Step[],
    ...rest: [attempt?: number, nonce?: readonly [number, number]]
  ): BatchOutcome {
    const { outcomes, corrupt } = super.applyTo(this.#journal, steps, ...rest)
    const all = [...outcomes]
    for (const [index, { status }] of outcomes.entries()) {
      const step = steps[index]
      if (status !== Status.IN_FILE || step === undefined) continue
      const [inFile] = super.applyTo(this.storage, [step]).outcomes
      if (inFile !== undefined) all[index] = inFile
    }
    return { outcomes: all, corrupt }
  }

  /** A whole checkpoint; `meanwhile` happens while each of its slices is under way. */
  checkpoint(meanwhile?: () => void): CheckpointAnswer {
    this.#journal.checkpoint({ kind: 'begin' })
    let { slice } = this.#journal.checkpoint({ kind: 'next' })
    while (slice !== undefined) {
      const { id } = slice
      const reply = this.storage.apply(slice.wire) as ArrayBuffer | null
      meanwhile?.()
      slice = this.#journal.checkpoint({ kind: 'next', stored: { id, reply } }).slice
    }
    return this.#journal.checkpoint({ kind: 'end' })
  }

  #replay(): void {
    for (let done = false; !done; ) {
      const slice = this.#journal.replay()
      done = slice.done
      this.records = slice.records
      this.replayed.push(...slice.corrupt)
    }
  }
}
