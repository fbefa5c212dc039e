import { EventEmitter } from 'node:events'
import { type CorruptNotice, Opcode } from '../../workers/protocol/index.js'
import { EngineClosedError, UnsupportedError } from '../errors.js'
import { booleanOption, checkNames, refuse } from '../option-checks.js'
import { type Asked, LOAD_VERSION, LOAD_WITH_EXPIRY } from './caller.js'
import { checkTimeout, closeTimeoutError, ENDING, settledInTime } from './closing.js'
import type { Dispatcher } from './dispatcher.js'
import type { EngineEvents } from './events.js'
import { HotSessions } from './hot-sessions.js'
import { Intake } from './intake.js'
import { Lifecycle } from './lifecycle.js'
import { type Expiry, type FilledOptions, fillOptions, type SessionEngineOptions } from './options.js'
import { Payloads } from './payloads.js'
import { Pending } from './pending.js'
import type { SessionVersion } from './session-versions.js'
import { type EngineStatistics, Statistics, type SweepResult } from './statistics.js'
import { StoragePools } from './storage-pools.js'
import { type ClearExpiredOptions, SweepSchedule, sweep } from './sweep.js'

/**
 * Keeps sessions in a storage, off the event loop.
 *
 * Operations of one key take effect in the order in which they were issued. Each promise settles when its state, or a
 * newer one, is stored. The constructor opens nothing; the first operation, or {@link SessionEngine.ready}, does.
 *
 * @example
 * const engine = new SessionEngine({ directory: './sessions' })
 * await engine.save('b5c9…', { userId: 42 })
 * await engine.load('b5c9…') // { userId: 42 }
 * await engine.close()
 */
export class SessionEngine<
  Session extends object = Record<string, unknown>,
> extends EventEmitter<EngineEvents> {
  readonly #options: FilledOptions
  readonly #statistics = new Statistics()
  readonly #pending: Pending
  readonly #pools: StoragePools
  readonly #intake: Intake
  readonly #lifecycle = new Lifecycle({
    open: () => this.#openStorage(),
    opened: () => this.#startSweeps(),
    close: (opening, timeout) => this.#close(opening, timeout),
  })
  #schedule: SweepSchedule | undefined

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: SessionEngineOptions) {
    super()
    this.#options = fillOptions(options)
    const { storage, threads, codec, maxPending } = this.#options
    this.#pending = new Pending(
      maxPending,
      () => this.#emitLater('overloaded', this.#pending.snapshot()),
      () => this.#emitLater('recovered', this.#pending.snapshot()),
    )
    const hot = storage.journal?.role === 'ahead' ? new HotSessions() : undefined
    this.#pools = new StoragePools({
      storage,
      threads,
      pending: this.#pending,
      hot,
      onCorrupt: (notice) => this.#emitLater('corrupt', notice),
      onRecovery: (progress) => this.#emitLater('recovery', progress),
      filesRead: () => this.#dispatcher.filesRead(),
      onFailure: (error) => this.#tellOfBackground(error),
    })
    this.#intake = new Intake({
      shape: this.#pools.shape,
      front: this.#pools.front,
      files: this.#pools.files,
      maxAge: this.#options.maxAge,
      payloads: new Payloads(codec, storage.maxRecordBytes),
      recordFormat: codec.recordFormat,
      pending: this.#pending,
      hot,
      statistics: this.#statistics,
      onCorrupt: (notice) => this.#emitLater('corrupt', notice),
      refuseClosed: () => this.#lifecycle.refuseClosed(),
    })
  }

  /**
   * Opens the storage, so that what is wrong with it shows at the start and not with the first request.
   * @throws {StorageError} naming the problem; the next operation tries again
   * @throws {EngineClosedError}
   */
  async ready(): Promise<void> {
    this.#lifecycle.refuseClosed()
    await this.#lifecycle.open()
  }

  /**
   * Stores a session under a key that is not in use.
   * @throws {CreateError} when there is a live session of this key
   */
  create(key: string, session: Session, expiry?: Expiry): Promise<void> {
    return this.#issue(Opcode.CREATE, key, expiry, session) as Promise<void>
  }

  /**
   * Stores a session that is there already.
   * @throws {UpdateError} when it is not, or not any more: a deleted session stays deleted
   */
  update(key: string, session: Session, expiry?: Expiry): Promise<void> {
    return this.#issue(Opcode.UPDATE, key, expiry, session) as Promise<void>
  }

  /**
   * Stores a session in the place of the very version that was loaded: overlapping requests do not overwrite each other.
   * Resolves with the version that is stored now.
   *
   * Of any number of concurrent calls for one version, in any number of processes, one takes effect, unless they store
   * the very bytes that are there. Within one engine, and always with a journal, a call is as exact against every other
   * operation. With `direct`, what `save` or `update` of another process puts in place in the microseconds between
   * the last look and the rename is overwritten, as by an `update`; and a process that is stopped for half a second just
   * there is taken for dead.
   *
   * @throws {ConflictError} when another version is stored: nothing of the call is
   * @throws {UpdateError} when there is no session, or not any more
   * @throws {TypeError} when `version` is none
   * @example
   * const found = await engine.loadVersion(key)
   * if (found !== undefined) {
   *   const { session, version } = found
   *   await engine.replace(key, { ...session, visits: session.visits + 1 }, version)
   * }
   */
  replace(key: string, session: Session, version: SessionVersion, expiry?: Expiry): Promise<SessionVersion> {
    return this.#begin(() => this.#intake.replace(key, session, version, expiry))
  }

  /** Stores a session, whether there is one of this key or not. */
  save(key: string, session: Session, expiry?: Expiry): Promise<void> {
    return this.#issue(Opcode.SAVE, key, expiry, session) as Promise<void>
  }

  /** Moves a session's expiry; false when there is no such session. */
  touch(key: string, expiry?: Expiry): Promise<boolean> {
    return this.#issue(Opcode.TOUCH, key, expiry) as Promise<boolean>
  }

  /** The session, an object of the caller's own; `undefined` when it is missing, expired or damaged. */
  load(key: string): Promise<Session | undefined> {
    return this.#issue(Opcode.LOAD, key) as Promise<Session | undefined>
  }

  /** The same with the version that it is, for {@link SessionEngine.replace}. */
  loadVersion(
    key: string,
  ): Promise<{ readonly session: Session; readonly version: SessionVersion } | undefined> {
    return this.#issue(LOAD_VERSION, key) as Promise<
      { readonly session: Session; readonly version: SessionVersion } | undefined
    >
  }

  /**
   * The same, with the moment at which it expires, which `touch` may have moved since it was saved.
   *
   * @example
   * const found = await engine.loadWithExpiry(key)
   * if (found !== undefined) console.log(found.session, found.expires.toISOString())
   */
  loadWithExpiry(key: string): Promise<{ readonly session: Session; readonly expires: Date } | undefined> {
    return this.#issue(LOAD_WITH_EXPIRY, key) as Promise<
      { readonly session: Session; readonly expires: Date } | undefined
    >
  }

  /** Whether there is a live session of this key. */
  exists(key: string): Promise<boolean> {
    return this.#issue(Opcode.EXISTS, key) as Promise<boolean>
  }

  /** Deletes a session; nothing happens when there is none. */
  delete(key: string): Promise<void> {
    return this.#issue(Opcode.DELETE, key) as Promise<void>
  }

  /**
   * The keys of all live sessions, in no order, streamed. What is created or deleted meanwhile may be in it or not.
   * @throws {UnsupportedError} when the storage hashes names
   */
  async *keys(): AsyncGenerator<string, void, undefined> {
    await this.ready()
    if (!this.#options.storage.listsKeys) {
      throw new UnsupportedError('keys cannot be listed: the storage keeps only digests of them (hashNames)')
    }
    await this.#pools.bringToFiles()
    for await (const slice of this.#pools.walker.walk('keys')) yield* slice.keys
  }

  /** How many live sessions there are. Walks through all of them. */
  async count(): Promise<number> {
    await this.ready()
    await this.#pools.bringToFiles()
    let count = 0
    for await (const slice of this.#pools.walker.walk('count')) count += slice.live
    return count
  }

  /** Deletes every session: all that was issued before takes effect before, what comes after waits. */
  async clear(): Promise<void> {
    this.#lifecycle.refuseClosed()
    const opening = this.#lifecycle.open()
    await this.#intake.alone(async () => {
      await opening
      // What is left in a journal would come back with its next replay.
      await this.#pools.bringToFiles()
      for await (const _slice of this.#pools.walker.walk('clear'));
    })
  }

  /**
   * Removes expired sessions and what crashes left behind. Runs by itself every `sweepInterval` seconds, too. With `reseal`,
   * live sessions that the newest key has not sealed are sealed anew. Where the storage removes what has expired by itself, nothing
   * else is done, and the result says so (`unneeded`).
   * @throws {TypeError} for `reseal` without a seal, and for a wrong option
   */
  async clearExpired(options: ClearExpiredOptions = {}): Promise<SweepResult> {
    checkNames('clearExpired', options, ['onProgress', 'signal', 'reseal'])
    if (booleanOption('reseal', options.reseal, false) && !this.#options.sealed)
      refuse('reseal', true, 'an engine with the option seal')
    await this.ready()
    const startedAt = performance.now()
    await this.#pools.bringToFiles()
    const onCorrupt = (notice: CorruptNotice): void => this.#emitLater('corrupt', notice)
    const needless = this.#options.storage.expiresItself === true
    const result = await sweep(this.#pools.walker, options, onCorrupt, needless)
    const milliseconds = performance.now() - startedAt
    this.#statistics.lastSweep = { ...result, at: new Date(), milliseconds }
    return result
  }

  /** What the engine has done and is doing, in plain numbers. */
  stats(): EngineStatistics {
    const { threads } = this.#options
    const workers = { threads, restarts: this.#pools.lost }
    return this.#statistics.snapshot(this.#pending, workers, this.#pools)
  }

  /**
   * Resolves when everything accepted so far is acknowledged, one way or the other; with `files: true`, when it is also
   * in session files, where a journal comes before them.
   * @throws {StorageError} when a file could not be written; the journal keeps what was to be in it
   */
  async flush(options: { files?: boolean } = {}): Promise<void> {
    this.#lifecycle.refuseClosed()
    checkNames('flush', options, ['files'])
    const files = booleanOption('files', options.files, false)
    if (!this.#lifecycle.isNew) await this.#dispatcher.settled()
    if (files && !this.#lifecycle.isNew) {
      await this.ready()
      await this.#pools.bringToFiles()
    }
  }

  /**
   * Stores everything accepted, then ends the workers. Later calls reject with `EngineClosedError`; closing again
   * gives the same promise.
   * @throws {StorageError} `CLOSE_TIMEOUT` when not all was stored within `timeout` milliseconds; what was not,
   * rejects the same way. A worker that hangs in a system call lasts longer, and so does a journal's ownership
   */
  close(options: { timeout?: number } = {}): Promise<void> {
    try {
      checkTimeout(options.timeout)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#lifecycle.close(options.timeout)
  }

  /** The same as {@link SessionEngine.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #dispatcher(): Dispatcher {
    return this.#intake.dispatcher
  }

  #issue(asked: Asked, key: string, expiry?: Expiry, session?: Session): Promise<unknown> {
    if (this.#lifecycle.isClosing) return Promise.reject(new EngineClosedError())
    const outcome = this.#intake.issue(asked, key, expiry, session)
    this.#openIfNew()
    return outcome
  }

  #begin<Outcome>(issue: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#lifecycle.isClosing) return Promise.reject(new EngineClosedError())
    const outcome = issue()
    this.#openIfNew()
    return outcome
  }

  /** The operation itself hears of an opening that fails. */
  #openIfNew(): void {
    if (this.#lifecycle.isNew) this.#lifecycle.open().catch(() => undefined)
  }

  async #openStorage(): Promise<void> {
    try {
      await this.#pools.open()
    } catch (error) {
      this.#dispatcher.abandon(error)
      throw error
    }
    this.#dispatcher.start()
  }

  #startSweeps(): void {
    const { sweepInterval, storage } = this.#options
    if (sweepInterval === false || storage.expiresItself === true) return
    this.#schedule = new SweepSchedule(sweepInterval, () => this.#sweepInBackground())
  }

  async #sweepInBackground(): Promise<void> {
    try {
      await this.clearExpired()
    } catch (error) {
      // Walks and checkpoints reject with errors of ours; those that the end brings about are told by it.
      if (!this.#lifecycle.isClosing) this.#tellOfBackground(error as Error)
    }
  }

  /** Without a listener, an `error` event would end the process. */
  #tellOfBackground(error: Error): void {
    if (this.listenerCount('error') > 0) this.#emitLater('error', error)
  }

  async #close(opening: Promise<void> | undefined, timeout: number | undefined): Promise<void> {
    this.#schedule?.stop()
    const closed = this.#drain(opening).then(() => this.#pools.close())
    if (timeout === undefined) await closed
    else if (!(await settledInTime(closed, timeout))) await this.#giveUp()
  }

  /** Waits until nothing is pending; a reader whose write failed reads for itself, so once is not enough. */
  async #drain(opening: Promise<void> | undefined): Promise<void> {
    await opening?.catch(() => undefined)
    while (this.#pending.operations > 0) await this.#dispatcher.settled()
  }

  /** Ends the workers with work in their hands and rejects what is not stored. */
  async #giveUp(): Promise<never> {
    const failure = closeTimeoutError(this.#pending.operations)
    this.#dispatcher.abandon(failure)
    // A worker that hangs in a system call ends when that does, and the directory is given up then.
    await settledInTime(this.#pools.terminate(failure), ENDING)
    throw failure
  }

  /** A listener that throws must not break the settling of promises. */
  #emitLater<Name extends keyof EngineEvents>(name: Name, ...values: EngineEvents[Name]): void {
    process.nextTick(() => {
      // EventEmitter's types cannot see that name and values belong together.
      this.emit(name, ...(values as never))
    })
  }
}
