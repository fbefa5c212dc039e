import session, { type SessionData } from 'express-session'
import type { SessionEngine } from '../engine/session-engine.js'
import { AdapterEngine, type AdapterOptions } from './adapter-engine.js'
import { answer, type Callback } from './answer.js'
import { isObject, plainSession, sessionExpiry } from './cookie-session-data.js'
import { revivedSession } from './express-session-data.js'
import { SessionInHand } from './session-in-hand.js'

export type { AdapterOptions } from './adapter-engine.js'
export type { Callback } from './answer.js'

type SessionRequest = Parameters<session.Store['createSession']>[0]

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
  /** Under which keys data were loaded: they may be given to a request that has another. */
  readonly #loadedUnder = new WeakMap<object, string>()
  /** What requests of this store work with, by the objects that express-session has made of it. */
  readonly #inHands = new WeakMap<object, SessionInHand>()
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
    const inHand = this.#inHandFor(key, data)
    const saved = this.#save(key, data, inHand)
    if (inHand === undefined) this.#answer(saved, callback)
    else answer(saved, callback, this.#tell, (error) => inHand.forgives(error))
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
    const created = super.createSession(request, data)
    const key = request.sessionID
    if (this.#loadedUnder.get(data) === key) this.#inHands.set(created, this.#inHand(key, true))
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
    this.#loadedUnder.set(data, key)
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

  /** Issues what stores the session: at once, since what is stored is the session as it was when `set` was called. */
  #save(key: string, data: SessionData, inHand: SessionInHand | undefined): Promise<void> {
    try {
      const plain = plainSession(data)
      const expiry = sessionExpiry(data)
      return inHand === undefined ? this.engine.save(key, plain, expiry) : inHand.issue(plain, expiry)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #touch(key: string, data: SessionData): Promise<void> {
    await this.engine.touch(key, sessionExpiry(data))
  }

  #inHand(key: string, loaded: boolean): SessionInHand {
    return new SessionInHand({ engine: this.engine, key, loaded })
  }

  /** What a session object is to be stored as; nothing where no request works with it. */
  #inHandFor(key: string, data: SessionData): SessionInHand | undefined {
    const known = this.#known(key, data)
    if (known !== undefined || !this.#isOfRequest(key, data)) return known
    const first = this.#inHand(key, false)
    this.#inHands.set(data, first)
    return first
  }

  /** What is known of a session object; nothing, when it is to be stored under a key that is not its own. */
  #known(key: string, data: unknown): SessionInHand | undefined {
    const known = isObject(data) ? this.#inHands.get(data) : undefined
    return known?.key === key ? known : undefined
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
