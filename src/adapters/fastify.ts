import type { SessionEngine } from '../engine/session-engine.js'
import { AdapterEngine, type AdapterOptions } from './adapter-engine.js'
import { answer, type Callback } from './answer.js'
import { plainSession, sessionExpiry } from './cookie-session-data.js'
import { deleteIfThere } from './delete-if-there.js'
import { inHandOf, isSessionOf, marked } from './fastify-sessions.js'
import { loadIfValid } from './load-if-valid.js'
import { SessionInHand } from './session-in-hand.js'

export type { AdapterOptions } from './adapter-engine.js'
export type { Callback } from './answer.js'

/** What a store is given to keep, and gives back: a session of `@fastify/session`, or what was stored of one. */
export interface FastifySessionData {
  cookie: { originalMaxAge: number | null; expires?: Date | null }
}

/**
 * A store for `@fastify/session`.
 *
 * A session deleted by one request is not brought back by another that still had it in its hands: the later save is
 * dropped. Every other failure reaches the callback. docs/fastify.md tells it in full.
 *
 * @example
 * const store = new CoatcheckStore({ directory: './sessions' })
 * await app.register(fastifyCookie)
 * await app.register(fastifySession, { store, secret })
 * app.addHook('onClose', () => store.close())
 */
export class CoatcheckStore {
  readonly #source: AdapterEngine
  /** New sessions that requests have stored, by their Session objects; loaded ones carry a mark. */
  readonly #stored = new WeakMap<object, SessionInHand>()
  /** The deletion that is just being answered. */
  #justDeleted: { readonly key: string; readonly wasThere: boolean } | undefined

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: AdapterOptions) {
    this.#source = new AdapterEngine(options)
  }

  /** The engine that does the work: its events, its statistics. */
  get engine(): SessionEngine<object> {
    return this.#source.engine
  }

  /**
   * Stores a session as it is at this moment. One that a request has loaded, or has stored before, is only stored
   * while it is still there; a new one, and data that no request works with, always.
   */
  set(key: string, session: FastifySessionData, callback: Callback): void {
    checkCallback('set', callback)
    answer(this.#save(key, session), callback, callback)
  }

  /**
   * Loads a session; `null` when there is none.
   * @typeParam Session what the application says that its sessions hold; nobody checks it
   */
  get<Session extends FastifySessionData = FastifySessionData>(
    key: string,
    callback: Callback<Session | null>,
  ): void {
    checkCallback('get', callback)
    answer(this.#load(key) as Promise<Session | null>, callback, callback)
  }

  /** Deletes a session. */
  destroy(key: string, callback: Callback): void {
    checkCallback('destroy', callback)
    const deleted: Callback<boolean> = (error, wasThere = false) => {
      // Where it failed, nobody knows: then nothing is held against what comes next.
      this.#justDeleted = { key, wasThere: error !== null || wasThere }
      try {
        callback(error)
      } finally {
        this.#justDeleted = undefined
      }
    }
    answer(deleteIfThere(this.engine, key), deleted, deleted)
  }

  /**
   * Stores everything accepted and closes the engine, if the store has made it; one that was given stays open.
   * @throws {StorageError} `CLOSE_TIMEOUT` when not all was stored within `timeout` milliseconds
   */
  close(options?: { timeout?: number }): Promise<void> {
    return this.#source.close(options)
  }

  async #load(key: string): Promise<FastifySessionData | null> {
    const stored = await loadIfValid(this.engine, key)
    if (stored === undefined) return null
    return marked(stored, this.#inHand(key, true)) as FastifySessionData
  }

  // Runs up to its first await at once: what is stored is the session as it was when `set` was called.
  async #save(key: string, session: object): Promise<void> {
    const plain = plainSession(session)
    const expiry = sessionExpiry(session)
    if (!isSessionOf(key, session)) return this.engine.save(key, plain, expiry)
    return this.#known(key, session, plain).store(plain, expiry)
  }

  #known(key: string, session: object, plain: object): SessionInHand {
    const stored = this.#stored.get(session)
    if (stored?.key === key) return stored
    const loaded = this.#loadedAs(key, session)
    if (loaded !== undefined) return loaded
    const first = this.#inHand(key, this.#isLeftover(session, plain))
    this.#stored.set(session, first)
    return first
  }

  /**
   * Whether a session that is new to the store has data of one that another request has deleted: `regenerate(keys)` has
   * copied them, has gone to delete the old session, and has not found it. That was a logout, and there is nothing to go
   * on with. Without keys nothing is copied, and it is a new session like any other.
   */
  #isLeftover(session: object, plain: object): boolean {
    const deleted = this.#justDeleted
    if (deleted === undefined || deleted.wasThere) return false
    const old = inHandOf(session)
    if (old?.key !== deleted.key || old.engine !== this.engine) return false
    return Object.keys(plain).some((name) => name !== 'cookie')
  }

  #loadedAs(key: string, session: object): SessionInHand | undefined {
    // A new session inherits the mark of the one that it replaces. Its key tells them apart, unless the idGenerator
    // has given the same again; but regenerate() stores it while the old one's deletion is being answered.
    if (key === this.#justDeleted?.key) return undefined
    const inHand = inHandOf(session)
    return inHand?.key === key && inHand.engine === this.engine ? inHand : undefined
  }

  #inHand(key: string, loaded: boolean): SessionInHand {
    return new SessionInHand({ engine: this.engine, key, loaded })
  }
}

function checkCallback(method: string, callback: unknown): void {
  if (typeof callback !== 'function') throw new TypeError(`${method}() needs a callback`)
}
