import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { deleteIfThere } from './delete-if-there.js'
import { loadIfValid } from './load-if-valid.js'
import { SessionInHand } from './session-in-hand.js'

/** The sessions that one request works with: usually one, two when it gets a new key. */
export class RequestSessions {
  readonly #engine: SessionEngine<object>
  readonly #inHands = new Map<string, SessionInHand>()
  /** The key of a session that this request had, went to delete, and found deleted by another. */
  #goneBefore: string | undefined

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
    const inHand = this.#inHands.get(key) ?? this.#takeNew(key)
    return inHand.store(session, expiryOf(maxAge))
  }

  /** Deletes a session. Should this request store it again, it wants it back. */
  async delete(key: string): Promise<void> {
    const inHand = this.#inHands.get(key)
    this.#inHands.delete(key)
    const wasThere = await deleteIfThere(this.#engine, key)
    if (inHand?.wasStored === true && !wasThere) this.#goneBefore = key
  }

  /**
   * A session that is new to the store. With `regenerate()` it is the one that was deleted just before, with all its data,
   * under a new key: if another request was the one to delete it, that was a logout, and there is nothing to go on with.
   */
  #takeNew(key: string): SessionInHand {
    const isLeftover = this.#goneBefore !== undefined && this.#goneBefore !== key
    this.#goneBefore = undefined
    return this.#take(key, isLeftover)
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
