import type { SessionData, Store } from 'hono-sessions'
import type { SessionEngine } from '../engine/session-engine.js'
import { InvalidSessionKeyError, UpdateError } from '../errors.js'
import { AdapterEngine, type AdapterOptions } from './adapter-engine.js'
import { deleteIfThere } from './delete-if-there.js'
import { failedSession, revivedSession, sessionExpiry, storedSession } from './hono-session-data.js'

export type { AdapterOptions } from './adapter-engine.js'

/**
 * A store for hono-sessions.
 *
 * A session deleted by one request is not brought back by another that still had it in its hands: the later save is
 * dropped. Every other failure reaches the application's `onError`. docs/hono.md tells it in full.
 *
 * @example
 * const store = new CoatcheckStore({ directory: './sessions' })
 * app.use(sessionMiddleware({ store, encryptionKey, expireAfterSeconds: 86_400 }))
 */
export class CoatcheckStore implements Store {
  readonly #source: AdapterEngine
  /** The keys of sessions that were loaded, by the very objects that hono-sessions got. */
  readonly #keys = new WeakMap<object, string>()
  /** A key that was to be deleted and was not there any more, for as long as its request is being told so. */
  #goneBefore: string | undefined

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: AdapterOptions) {
    this.#source = new AdapterEngine(options)
  }

  /** The engine that does the work: its events, its statistics. */
  get engine(): SessionEngine<object> {
    return this.#source.engine
  }

  /**
   * Loads a session; `undefined` when there is none, or what is no session of hono-sessions, or when no session could
   * ever have such an id.
   *
   * Never rejects: of a rejection hono-sessions would make a new session, and a logout. When loading failed, the
   * promise resolves to a session that throws the error as soon as anybody looks into it.
   */
  async getSessionById(id?: string): Promise<SessionData | undefined> {
    if (id === undefined) return undefined
    try {
      const session = revivedSession(await this.engine.load(id))
      if (session !== undefined) this.#keys.set(session, id)
      return session
    } catch (error) {
      // Whoever sends such a cookie has it from somewhere else.
      return error instanceof InvalidSessionKeyError ? undefined : failedSession(error)
    }
  }

  /**
   * Stores a new session until its `_expire`, or for as long as the engine says. With a rotation of the key nothing
   * happens when another request has deleted the session meanwhile.
   * @throws {CreateError} when there is a live session of this id
   */
  async createSession(id: string, data: SessionData): Promise<void> {
    if (this.#isGone(data)) return
    await this.engine.create(id, storedSession(data), sessionExpiry(data))
  }

  /** Stores a session that is still there; nothing happens when it is not: it was deleted, or has expired. */
  async persistSessionData(id: string, data: SessionData): Promise<void> {
    try {
      await this.engine.update(id, storedSession(data), sessionExpiry(data))
    } catch (error) {
      // It was there when the request began, so another one has deleted it since: a logout, which stands.
      if (!(error instanceof UpdateError)) throw error
    }
  }

  /** Deletes a session; nothing happens when there is none. */
  async deleteSession(id: string): Promise<void> {
    const wasThere = await deleteIfThere(this.engine, id)
    if (!wasThere) await this.#tellGone(id)
  }

  /**
   * Stores everything accepted and closes the engine, if the store has made it; one that was given stays open.
   * @throws {StorageError} `CLOSE_TIMEOUT` when not all was stored within `timeout` milliseconds
   */
  close(options?: { timeout?: number }): Promise<void> {
    return this.#source.close(options)
  }

  /**
   * Resolves in a turn of its own, in which nothing else of this store happens. To rotate a key, hono-sessions creates the new
   * session right behind the deletion of the old one, in that turn: so it is certain which deletion goes before which
   * creation, though nobody says which request they are of.
   */
  #tellGone(id: string): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#goneBefore = id
        resolve()
      })
      // Right behind the other, once all that follows from its promise has run.
      setImmediate(() => {
        this.#goneBefore = undefined
      })
    })
  }

  /** Whether these data were loaded, and their session was found deleted by another request just now. */
  #isGone(data: SessionData): boolean {
    const loaded = typeof data === 'object' && data !== null ? this.#keys.get(data) : undefined
    return loaded !== undefined && loaded === this.#goneBefore
  }
}
