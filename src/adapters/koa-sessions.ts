import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { loadIfValid } from './load-if-valid.js'
import { SessionInHand } from './session-in-hand.js'

/** The sessions that one request works with: usually one, two when it gets a new key. */
export class RequestSessions {
  readonly #engine: SessionEngine<object>
  readonly #inHands = new Map<string, SessionInHand>()

  constructor(engine: SessionEngine<object>) {
    this.#engine = engine
  }

  async load(key: string): Promise<object | undefined> {
    const session = await loadIfValid(this.#engine, key)
    if (session !== undefined) this.#take(key, true)
    return session
  }

  /** Stores a session as it is at this moment; resolves, too, when another request has deleted it and it stays so. */
  store(key: string, session: object, maxAge: unknown): Promise<void> {
    const inHand = this.#inHands.get(key) ?? this.#take(key, false)
    return inHand.store(session, expiryOf(maxAge))
  }

  /** Deletes a session. Should this request store it again, it wants it back. */
  delete(key: string): Promise<void> {
    this.#inHands.delete(key)
    return this.#engine.delete(key)
  }

  #take(key: string, loaded: boolean): SessionInHand {
    const inHand = new SessionInHand({ engine: this.#engine, key, loaded })
    this.#inHands.set(key, inHand)
    return inHand
  }
}

/** A session that lasts as long as the browser has the word `session` for an age: the engine says then. */
function expiryOf(maxAge: unknown): Expiry | undefined {
  return typeof maxAge === 'number' ? { maxAge: maxAge / 1000 } : undefined
}
