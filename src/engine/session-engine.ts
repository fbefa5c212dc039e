import { EventEmitter } from 'node:events'
import { keyHash, Opcode, Status } from '../../workers/protocol/index.js'
import { Dispatcher, type DispatcherListener, storageErrorOf, writesRecord } from './dispatcher.js'
import { EngineClosedError, StorageError, UnsupportedError } from './errors.js'
import type { EngineEvents } from './events.js'
import type { Caller, Demand } from './operation.js'
import { numberOption } from './option-checks.js'
import {
  type Expiry,
  expiryOf,
  type FilledOptions,
  fillOptions,
  type SessionEngineOptions,
} from './options.js'
import { Payloads } from './payloads.js'
import { Pending } from './pending.js'
import { checkKey } from './session-keys.js'
import { type EngineStatistics, Statistics, type SweepResult } from './statistics.js'
import { type ClearExpiredOptions, SweepSchedule, sweep } from './sweep.js'
import { Walker } from './walker.js'
import { WorkerPool } from './worker-pool.js'

/** Tasks handed to one worker at a time: while it works on one, the next lies ready. */
const DEPTH = 2

/** Node's timers hold no longer, in milliseconds. */
const LONGEST_TIMEOUT = 2_147_483_647

type State = 'new' | 'opening' | 'open' | 'closing' | 'closed'

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
  readonly #payloads: Payloads
  readonly #pool: WorkerPool
  readonly #dispatcher: Dispatcher
  readonly #walker: Walker
  #state: State = 'new'
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #schedule: SweepSchedule | undefined

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: SessionEngineOptions) {
    super()
    this.#options = fillOptions(options)
    const { storage, threads, codec, maxPending } = this.#options
    this.#payloads = new Payloads(codec, storage.maxRecordBytes)
    this.#pending = new Pending(
      maxPending,
      () => this.#emitLater('overloaded', this.#pending.snapshot()),
      () => this.#emitLater('recovered', this.#pending.snapshot()),
    )
    this.#pool = new WorkerPool({ storage, threads, depth: DEPTH })
    this.#walker = new Walker(storage)
    this.#dispatcher = new Dispatcher({
      pool: this.#pool,
      lanes: storage.lanes(threads, DEPTH),
      concurrency: threads * DEPTH,
      listener: this.#listener(),
    })
  }

  /**
   * Opens the storage, so that what is wrong with it shows at the start and not with the first request.
   * @throws {StorageError} naming the problem; the next operation tries again
   * @throws {EngineClosedError}
   */
  async ready(): Promise<void> {
    this.#refuseClosed()
    await this.#open()
  }

  /**
   * Stores a session under a key that is not in use.
   * @throws {CreateError} when there is a live session of this key
   */
  create(key: string, session: Session, expiry?: Expiry): Promise<void> {
    return this.#write(Opcode.CREATE, key, session, expiry)
  }

  /**
   * Stores a session that is there already.
   * @throws {UpdateError} when it is not, or not any more: a deleted session stays deleted
   */
  update(key: string, session: Session, expiry?: Expiry): Promise<void> {
    return this.#write(Opcode.UPDATE, key, session, expiry)
  }

  /** Stores a session, whether there is one of this key or not. */
  save(key: string, session: Session, expiry?: Expiry): Promise<void> {
    return this.#write(Opcode.SAVE, key, session, expiry)
  }

  /** Moves a session's expiry; false when there is no such session. */
  touch(key: string, expiry?: Expiry): Promise<boolean> {
    return this.#demand(Opcode.TOUCH, key, expiry) as Promise<boolean>
  }

  /** The session, an object of the caller's own; `undefined` when it is missing, expired or damaged. */
  load(key: string): Promise<Session | undefined> {
    return this.#demand(Opcode.LOAD, key) as Promise<Session | undefined>
  }

  /** Whether there is a live session of this key. */
  exists(key: string): Promise<boolean> {
    return this.#demand(Opcode.EXISTS, key) as Promise<boolean>
  }

  /** Deletes a session; nothing happens when there is none. */
  delete(key: string): Promise<void> {
    return this.#demand(Opcode.DELETE, key) as Promise<void>
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
    for await (const slice of this.#walker.walk('keys')) yield* slice.keys
  }

  /** How many live sessions there are. Walks through all of them. */
  async count(): Promise<number> {
    await this.ready()
    let count = 0
    for await (const slice of this.#walker.walk('count')) count += slice.live
    return count
  }

  /** Deletes every session: all that was issued before takes effect before, what comes after waits. */
  async clear(): Promise<void> {
    this.#refuseClosed()
    const opening = this.#open()
    this.#pending.operations++
    try {
      await this.#dispatcher.alone(async () => {
        await opening
        for await (const _slice of this.#walker.walk('clear'));
      })
    } finally {
      this.#pending.operations--
      this.#pending.lowered()
    }
  }

  /** Removes expired sessions and what crashes left behind. Runs by itself every `sweepInterval` seconds, too. */
  async clearExpired(options: ClearExpiredOptions = {}): Promise<SweepResult> {
    await this.ready()
    const startedAt = performance.now()
    const result = await sweep(this.#walker, options, (notice) => this.#emitLater('corrupt', notice))
    const milliseconds = performance.now() - startedAt
    this.#statistics.lastSweep = { ...result, at: new Date(), milliseconds }
    return result
  }

  /** What the engine has done and is doing, in plain numbers. */
  stats(): EngineStatistics {
    const { threads } = this.#options
    const restarts = this.#pool.lost + this.#walker.lost
    return this.#statistics.snapshot(this.#pending.snapshot(), this.#pending.refused, { threads, restarts })
  }

  /** Resolves when everything accepted so far is acknowledged, one way or the other. */
  async flush(): Promise<void> {
    this.#refuseClosed()
    if (this.#state !== 'new') await this.#dispatcher.settled()
  }

  /**
   * Stores everything accepted, then ends the workers. Later calls reject with `EngineClosedError`; closing again
   * gives the same promise.
   * @throws {StorageError} `CLOSE_TIMEOUT` when not all was stored within `timeout` milliseconds; what was not,
   * rejects the same way
   */
  close(options: { timeout?: number } = {}): Promise<void> {
    try {
      const range = { least: 0, most: LONGEST_TIMEOUT, unit: 'milliseconds' }
      numberOption('timeout', options.timeout, 0, range)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#closing ??= this.#close(options.timeout)
    return this.#closing
  }

  /** The same as {@link SessionEngine.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #write(opcode: Opcode, key: string, session: Session, expiry: Expiry | undefined): Promise<void> {
    return this.#demand(opcode, key, expiry, session) as Promise<void>
  }

  /** Every operation's way in. What is wrong with the call rejects, and nothing is kept of it. */
  #demand(opcode: Opcode, key: string, expiry?: Expiry, session?: Session): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#refuseClosed()
      checkKey(key)
      const now = Date.now()
      const writes = opcode === Opcode.CREATE || opcode === Opcode.UPDATE || opcode === Opcode.SAVE
      const expiresAt = writes || opcode === Opcode.TOUCH ? expiryOf(expiry, this.#options.maxAge, now) : 0
      this.#pending.admit(0)
      const payload = writes ? this.#payloads.encode(session) : undefined
      if (payload !== undefined) this.#pending.admit(payload.length)
      const demand: Demand = {
        opcode,
        key,
        hash: keyHash(key),
        expiry: expiresAt,
        codec: this.#payloads.codec,
        payload,
      }
      const acceptedAt = performance.now()
      const makeCaller = (sees: Caller['sees']): Caller => ({
        opcode,
        acceptedAt,
        resolve,
        reject,
        sees,
        next: undefined,
      })
      this.#pending.operations++
      this.#statistics.accepted++
      const freed = this.#dispatcher.accept(demand, makeCaller, now)
      this.#pending.bytes += (payload?.length ?? 0) - (freed ?? 0)
      if (freed !== undefined) this.#statistics.coalesced++
      if (this.#state === 'new') this.#open().catch(() => undefined)
    })
  }

  #refuseClosed(): void {
    if (this.#state === 'closing' || this.#state === 'closed') throw new EngineClosedError()
  }

  #open(): Promise<void> {
    this.#opening ??= this.#openStorage()
    return this.#opening
  }

  async #openStorage(): Promise<void> {
    this.#state = 'opening'
    try {
      const failure = await this.#pool.open()
      if (failure !== undefined) throw openingError(failure.code, storageErrorOf(failure))
    } catch (error) {
      const refusal =
        error instanceof StorageError
          ? error
          : openingError('WORKER_LOST', error instanceof Error ? error : undefined)
      this.#opening = undefined
      if (this.#state === 'opening') this.#state = 'new'
      this.#dispatcher.abandon(refusal)
      throw refusal
    }
    if (this.#state === 'opening') this.#state = 'open'
    this.#dispatcher.start()
    const { sweepInterval } = this.#options
    if (sweepInterval !== false && this.#state === 'open') {
      this.#schedule = new SweepSchedule(sweepInterval, () => this.#sweepInBackground())
    }
  }

  async #sweepInBackground(): Promise<void> {
    try {
      await this.clearExpired()
    } catch (error) {
      if (error instanceof EngineClosedError || this.listenerCount('error') === 0) return
      this.#emitLater(
        'error',
        error instanceof Error ? error : new Error('the sweep failed', { cause: error }),
      )
    }
  }

  async #close(timeout: number | undefined): Promise<void> {
    this.#state = 'closing'
    this.#schedule?.stop()
    try {
      const drained = this.#drain()
      if (timeout === undefined) await drained
      else if (!(await inTime(drained, timeout))) await this.#giveUp()
      await this.#walker.close()
      await this.#pool.close()
    } finally {
      this.#state = 'closed'
    }
  }

  /** Resolves when everything accepted is settled. */
  async #drain(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    this.#schedule?.stop()
    while (this.#pending.operations > 0) await this.#dispatcher.settled()
  }

  /** Ends the workers with work in their hands and rejects what is not stored. */
  async #giveUp(): Promise<never> {
    const { operations } = this.#pending
    const failure = new StorageError(
      'CLOSE_TIMEOUT',
      `the engine was closed before ${operations} operations were stored`,
    )
    this.#dispatcher.abandon(failure)
    await Promise.all([this.#walker.terminate(failure), this.#pool.terminate(failure)])
    throw failure
  }

  #listener(): DispatcherListener {
    const statistics = this.#statistics
    const pending = this.#pending
    return {
      codec: this.#payloads.codec,
      decode: (key, payload, codec, writeId) => this.#decode(key, payload, codec, writeId),
      settled: (caller, failed) => {
        pending.operations--
        if (failed) statistics.failed++
        statistics.recordLatency(performance.now() - caller.acceptedAt)
        pending.lowered()
      },
      batchDone: (batch) => {
        statistics.batches++
        statistics.slots += batch.operations.length
      },
      operationDone: (operation, status) => {
        pending.bytes -= operation.bytes
        if (status === Status.DONE && writesRecord(operation)) statistics.written++
      },
      corrupt: (notice) => {
        statistics.corrupt++
        this.#emitLater('corrupt', notice)
      },
    }
  }

  #decode(
    key: string,
    payload: Uint8Array,
    codec: number,
    writeId: readonly [number, number] | undefined,
  ): unknown {
    try {
      return this.#payloads.decode(payload, codec)
    } catch {
      // The checksum held, so these are the bytes that were saved; they are no session for all that.
      if (writeId !== undefined) this.#setAside(key, writeId)
      return undefined
    }
  }

  #setAside(key: string, writeId: readonly [number, number]): void {
    const nothing = () => undefined
    const caller: Caller = {
      opcode: Opcode.SET_ASIDE,
      acceptedAt: performance.now(),
      resolve: nothing,
      reject: nothing,
      sees: undefined,
      next: undefined,
    }
    this.#pending.operations++
    const demand = {
      opcode: Opcode.SET_ASIDE,
      key,
      hash: keyHash(key),
      expiry: 0,
      codec: 0,
      payload: undefined,
    }
    this.#dispatcher.accept({ ...demand, writeId }, () => caller, Date.now())
  }

  /** A listener that throws must not break the settling of promises. */
  #emitLater<Name extends keyof EngineEvents>(name: Name, ...values: EngineEvents[Name]): void {
    process.nextTick(() => {
      // EventEmitter's types cannot see that name and values belong together.
      this.emit(name, ...(values as never))
    })
  }
}

function openingError(code: string, cause: Error | undefined): StorageError {
  const reason = cause?.message ?? 'a worker thread died'
  return new StorageError(code, `the storage could not be opened: ${reason}`, { cause })
}

/** Whether a promise settled within so many milliseconds. */
async function inTime(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
