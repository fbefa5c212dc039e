import session, { type SessionData } from 'express-session'
import { UpdateError } from '../engine/errors.js'
import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { AdapterEngine, type AdapterOptions } from './adapter-engine.js'
import { answer, type Callback } from './answer.js'
import { isObject, plainSession, revivedSession, sessionExpiry } from './express-session-data.js'

export type { AdapterOptions } from './adapter-engine.js'
export type { Callback } from './answer.js'

type SessionRequest = Parameters<session.Store['createSession']>[0]

/** The life of a session object that a request works with. */
interface Tracked {
  readonly key: string
  /** Whether it has been in the store under this key. */
  stored: boolean
}

/** Sessions that {@link CoatcheckStore.all} loads at a time. */
const LOADS_AT_ONCE = 256

/**
 * A store for express-session.
 *
 * A session deleted by one request is not brought back by another that still had it in its hands: the later save is
 * dropped. Every other failure reaches the callback. docs/express.md tells it in full.
 *
 * @example
 * const store = new CoatcheckStore({ directory: './sessions' })
 * app.use(session({ store, secret, resave: false, saveUninitialized: false }))
 * server.on('close', () => store.close())
 */
export class CoatcheckStore extends session.Store {
  readonly #source: AdapterEngine
  readonly #fromHere = new WeakSet<object>()
  readonly #tracked = new WeakMap<object, Tracked>()
  readonly #tell = (error: Error): void => {
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: AdapterOptions) {
    super()
    this.#source = new AdapterEngine(options)
  }

  /** The engine that does the work: its events, its statistics. */
  get engine(): SessionEngine<object> {
    return this.#source.engine
  }

  /** Loads a session; `null` when there is none, or none with a cookie. */
  override get(key: string, callback: Callback<SessionData | null>): void {
    if (typeof callback !== 'function')
      throw new TypeError('get() needs a callback: whom else to give the session?')
    this.#answer(this.#load(key), callback)
  }

  /**
   * Stores a session as it is at this moment. One that a request has loaded, or has stored before, is only stored
   * while it is still there; a new one, and data that no request works with, always.
   */
  override set(key: string, data: SessionData, callback?: Callback): void {
    const tracked = this.#trackedFor(key, data)
    const saved = this.#save(key, data, tracked)
    if (tracked === undefined) this.#answer(saved, callback)
    // It was there, so another request has deleted it since: a logout, which stands. Nothing is left to save.
    else answer(saved, callback, this.#tell, (error) => error instanceof UpdateError && tracked.stored)
  }

  /** Deletes a session. */
  override destroy(key: string, callback?: Callback): void {
    this.#answer(this.engine.delete(key), callback)
  }

  /** Moves a session's expiry to that of its cookie. Nothing happens when the session is gone. */
  override touch(key: string, data: SessionData, callback?: Callback): void {
    this.#answer(this.#touch(key, data), callback)
  }

  /**
   * Every session, each with its key as `id`, which is not enumerable, as on the sessions of requests. All of them in
   * memory at once; where that is too much, use `store.engine.keys()`.
   */
  override all(callback: Callback<SessionData[]>): void {
    this.#answer(this.#loadAll(), callback)
  }

  /** How many sessions there are. */
  override length(callback: Callback<number>): void {
    this.#answer(this.engine.count(), callback)
  }

  /** Deletes every session. */
  override clear(callback?: Callback): void {
    this.#answer(this.engine.clear(), callback)
  }

  /** Makes the session of a request, and remembers that it was loaded. */
  override createSession(request: SessionRequest, data: SessionData): session.Session & SessionData {
    const stored = this.#fromHere.has(data)
    const created = super.createSession(request, data)
    if (stored) this.#tracked.set(created, { key: request.sessionID, stored })
    return created
  }

  /**
   * Stores everything accepted and closes the engine, if the store has made it; one that was given stays open.
   * @throws {StorageError} `CLOSE_TIMEOUT` when not all was stored within `timeout` milliseconds
   */
  close(options?: { timeout?: number }): Promise<void> {
    return this.#source.close(options)
  }

  async #load(key: string): Promise<SessionData | null> {
    const found = await this.engine.loadWithExpiry(key)
    const data = found === undefined ? undefined : revivedSession(found.session, found.expires)
    if (data === undefined) return null
    this.#fromHere.add(data)
    return data
  }

  async #loadAll(): Promise<SessionData[]> {
    const sessions: SessionData[] = []
    const loadThese = async (keys: readonly string[]): Promise<void> => {
      const loaded = await Promise.all(keys.map((key) => this.#load(key)))
      for (const [index, data] of loaded.entries()) {
        if (data !== null) sessions.push(Object.defineProperty(data, 'id', { value: keys[index] }))
      }
    }
    let keys: string[] = []
    for await (const key of this.engine.keys()) {
      if (keys.push(key) < LOADS_AT_ONCE) continue
      await loadThese(keys)
      keys = []
    }
    await loadThese(keys)
    return sessions
  }

  /**
   * Issues what stores the session: at once, since what is stored is the session as it was when `set` was called; and
   * with no promise of its own, since this runs with every request.
   */
  #save(key: string, data: SessionData, tracked: Tracked | undefined): Promise<void> {
    try {
      const plain = plainSession(data)
      const expiry = sessionExpiry(data)
      if (tracked !== undefined) return this.engine.update(key, plain, expiry)
      return this.#isOfRequest(key, data)
        ? this.#saveFirst(key, data, plain, expiry)
        : this.engine.save(key, plain, expiry)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #saveFirst(key: string, data: SessionData, plain: object, expiry: Expiry | undefined): Promise<void> {
    // From here on, and not only when it is stored, a logout is to win over what this request still saves.
    const first: Tracked = { key, stored: false }
    this.#tracked.set(data, first)
    try {
      await this.engine.save(key, plain, expiry)
      first.stored = true
    } catch (error) {
      if (this.#tracked.get(data) === first) this.#tracked.delete(data)
      throw error
    }
  }

  async #touch(key: string, data: SessionData): Promise<void> {
    await this.engine.touch(key, sessionExpiry(data))
  }

  /** What is known of a session object; nothing, when it is to be stored under a key that is not its own. */
  #trackedFor(key: string, data: unknown): Tracked | undefined {
    const tracked = isObject(data) ? this.#tracked.get(data) : undefined
    return tracked?.key === key ? tracked : undefined
  }

  /** Whether this is the session of a request that uses this store, as against data from elsewhere, or a copy. */
  #isOfRequest(key: string, data: unknown): boolean {
    // Not by its class: the application may have another copy of express-session.
    if (!isObject(data) || data.id !== key) return false
    return isObject(data.req) && data.req.sessionStore === this
  }

  #answer<Value>(outcome: Promise<Value>, callback: Callback<Value> | undefined): void {
    answer(outcome, callback, this.#tell)
  }
}
