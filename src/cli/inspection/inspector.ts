import { Piscina } from 'piscina'
import type {
  Answered,
  FoundSession,
  InspectionDepth,
  InspectionOptions,
  InspectionSlice,
  InspectionTasks,
  JournalSlice,
  JournalSummary,
} from '../../../workers/files/inspect/entries.js'
import { storageErrorOf } from '../../engine/storage-errors.js'

const WORKER = new URL('../../../workers/files/inspect/worker.js', import.meta.url).href

/**
 * Looks through a session directory, in a thread of its own, and changes nothing in it. What it shows is what the journal, if
 * there is one, and the files say together.
 */
export class Inspector {
  readonly #pool: Piscina
  #journal: JournalSummary | undefined

  constructor(options: InspectionOptions) {
    this.#pool = new Piscina({
      filename: WORKER,
      workerData: options,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
    })
  }

  /**
   * The layout that was asked for, or that the directory shows.
   * @throws {StorageError}
   */
  async layout(): Promise<'sharded' | 'flat'> {
    return (await this.#run('open', null)).layout
  }

  /**
   * Reads the journal, which has to be done before anything is looked at.
   * @throws {StorageError}
   */
  async readJournal(onSlice: (slice: JournalSlice) => void): Promise<void> {
    for (let done = false; !done; ) {
      const slice = await this.#run('readJournal', null)
      onSlice(slice)
      this.#journal = slice.summary
      done = slice.done
    }
  }

  /** What is known of the journal once it has been read; `undefined` without one. */
  get journal(): JournalSummary | undefined {
    return this.#journal
  }

  /**
   * Everything there is, a slice at a time: the next one is asked for when this one has been used.
   * @throws {StorageError}
   */
  async *walk(depth: InspectionDepth): AsyncGenerator<InspectionSlice, void, undefined> {
    for (let done = false; !done; ) {
      const slice = await this.#run('walk', depth)
      done = slice.done
      yield slice
    }
  }

  /**
   * What stands under a key.
   * @throws {StorageError}
   */
  find(key: string): Promise<FoundSession> {
    return this.#run('find', key)
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #run<Name extends keyof InspectionTasks>(
    name: Name,
    task: InspectionTasks[Name]['task'],
  ): Promise<InspectionTasks[Name]['answer']> {
    // Piscina types results as any; what each function returns is fixed by workers/files/inspect/worker.ts.
    const answer = (await this.#pool.run(task, { name })) as Answered<InspectionTasks[Name]['answer']>
    if ('failure' in answer) throw storageErrorOf(answer.failure)
    return answer
  }
}
