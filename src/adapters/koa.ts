import type { SessionEngine } from '../engine/session-engine.js'
import { AdapterEngine, type AdapterOptions } from './adapter-engine.js'
import { RequestSessions } from './koa-sessions.js'

export type { AdapterOptions } from './adapter-engine.js'

/** How long koa-session says that a session lives: milliseconds, or `'session'` for as long as the browser does. */
export type MaxAge = number | 'session'

/** What koa-session tells a store beside key and session. Only the context counts: it stands for the request. */
export interface StoreContext {
  readonly ctx?: unknown
}

/**
 * A store for koa-session: its option `store`.
 *
 * A session deleted by one request is not brought back by another that still had it in its hands: the later save is
 * dropped. Every other failure rejects, and so reaches Koa. docs/koa.md tells it in full.
 *
 * @example
 * const store = new CoatcheckStore({ directory: './sessions' })
 * app.use(session({ store }, app))
 * server.on('close', () => store.close())
 */
export class CoatcheckStore {
  readonly #source: AdapterEngine
  readonly #requests = new WeakMap<object, RequestSessions>()

  /** @throws {TypeError} for a wrong option, naming it, its value and what was expected */
  constructor(options: AdapterOptions) {
    this.#source = new AdapterEngine(options)
  }

  /** The engine that does the work: its events, its statistics. */
  get engine(): SessionEngine<object> {
    return this.#source.engine
  }

  /** The session; `undefined` when there is none. */
  get(key: string, _maxAge?: MaxAge, context?: StoreContext): Promise<object | undefined> {
    return this.#sessionsOf(context).load(key)
  }

  /**
   * Stores a session as it is at this moment, whether koa-session thinks that it has changed or not. One that the
   * request has loaded, or has stored before, is only stored while it is still there; a new one, and one without a
   * request, always.
   */
  set(key: string, session: object, maxAge?: MaxAge, context?: StoreContext): Promise<void> {
    return this.#sessionsOf(context).store(key, session, maxAge)
  }

  /** Deletes a session. */
  destroy(key: string, context?: StoreContext): Promise<void> {
    return this.#sessionsOf(context).delete(key)
  }

  /**
   * Stores everything accepted and closes the engine, if the store has made it; one that was given stays open.
   * @throws {StorageError} `CLOSE_TIMEOUT` when not all was stored within `timeout` milliseconds
   */
  close(options?: { timeout?: number }): Promise<void> {
    return this.#source.close(options)
  }

  #sessionsOf(context: StoreContext | undefined): RequestSessions {
    const request = context?.ctx
    if (typeof request !== 'object' || request === null) return new RequestSessions(this.engine)
    const known = this.#requests.get(request)
    if (known !== undefined) return known
    const sessions = new RequestSessions(this.engine)
    this.#requests.set(request, sessions)
    return sessions
  }
}

/** What koa-session asks of an instance of its option `ContextStore`: {@link CoatcheckStore}'s methods, for one request. */
export interface ContextStore {
  /** The session; `undefined` when there is none. */
  get(key: string): Promise<object | undefined>
  /** As in {@link CoatcheckStore.set}. */
  set(key: string, session: object, maxAge?: MaxAge): Promise<void>
  /** Deletes a session. */
  destroy(key: string): Promise<void>
}

/** A class for koa-session's option `ContextStore`, and the engine behind it. */
export interface ContextStoreClass {
  new (ctx?: unknown): ContextStore
  /** The engine that does the work: its events, its statistics. */
  readonly engine: SessionEngine<object>
  /** As in {@link CoatcheckStore.close}. */
  close(options?: { timeout?: number }): Promise<void>
}

/**
 * A class for koa-session's option `ContextStore`, of which it makes an instance for each request. It promises what
 * {@link CoatcheckStore} does; extend it where a store needs to know more of the request.
 *
 * @throws {TypeError} for a wrong option, naming it, its value and what was expected
 * @example
 * const ContextStore = contextStore({ directory: './sessions' })
 * app.use(session({ ContextStore }, app))
 * server.on('close', () => ContextStore.close())
 */
export function contextStore(options: AdapterOptions): ContextStoreClass {
  const source = new AdapterEngine(options)
  return class CoatcheckContextStore implements ContextStore {
    static readonly engine = source.engine
    static close(options?: { timeout?: number }): Promise<void> {
      return source.close(options)
    }

    readonly #sessions = new RequestSessions(source.engine)

    get(key: string): Promise<object | undefined> {
      return this.#sessions.load(key)
    }

    set(key: string, session: object, maxAge?: MaxAge): Promise<void> {
      return this.#sessions.store(key, session, maxAge)
    }

    destroy(key: string): Promise<void> {
      return this.#sessions.delete(key)
    }
  }
}
