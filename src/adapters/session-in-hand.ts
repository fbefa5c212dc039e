import type { Expiry } from '../engine/options.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { UpdateError } from '../errors.js'

/** Which session it is, and whether the request got it from the store. */
export interface SessionInHandOptions {
  readonly engine: SessionEngine<object>
  readonly key: string
  /** Whether it was loaded, or only made by the framework. */
  readonly loaded: boolean
}

/**
 * A session in the hands of one request. A new one is stored whatever there is; from then on, as one that was loaded
 * from the beginning, it is only updated. So what another request has deleted meanwhile stays deleted.
 */
export class SessionInHand {
  readonly engine: SessionEngine<object>
  readonly key: string
  /** Whether a logout is to win over what this request saves: already when the first save has only begun. */
  #onlyUpdate: boolean
  /** Whether it has been in the store under this key. */
  #stored: boolean
  /** How often it was issued while it was not yet certain that there is anything to update, and the last outcome. */
  #issued = 0
  #newest: Promise<void> | undefined

  constructor({ engine, key, loaded }: SessionInHandOptions) {
    this.engine = engine
    this.key = key
    this.#onlyUpdate = loaded
    this.#stored = loaded
  }

  /** Whether it has been in the store: if it is not there any more, another request has deleted it. */
  get wasStored(): boolean {
    return this.#stored
  }

  /** Stores the session as it is at this moment; resolves, too, when it has been deleted and stays so. */
  store(session: object, expiry: Expiry | undefined): Promise<void> {
    return this.issue(session, expiry).catch((error) => {
      if (!this.forgives(error)) throw error
    })
  }

  /** The same, but rejects when it has been deleted, with what `forgives` knows: one promise less with every request. */
  issue(session: object, expiry: Expiry | undefined): Promise<void> {
    if (this.#stored) return this.engine.update(this.key, session, expiry)
    this.#issued++
    this.#newest = this.#onlyUpdate ? this.#follow(session, expiry) : this.#save(session, expiry)
    return this.#newest
  }

  /**
   * Whether an update was refused because another request has deleted what was there: a logout, which stands. Nothing is
   * left to save.
   */
  forgives(error: unknown): boolean {
    return error instanceof UpdateError && this.#stored
  }

  /**
   * Updates behind a first save that is still under way. Should that fail, it takes its place: nobody has deleted what was
   * never there.
   */
  async #follow(session: object, expiry: Expiry | undefined): Promise<void> {
    const issued = this.#issued
    try {
      await this.engine.update(this.key, session, expiry)
    } catch (error) {
      if (this.#stored || !(error instanceof UpdateError)) throw error
      // What was issued since is newer, and must not be overwritten: its outcome is this one's.
      await (issued === this.#issued ? this.#save(session, expiry) : this.#newest)
    }
  }

  async #save(session: object, expiry: Expiry | undefined): Promise<void> {
    this.#onlyUpdate = true
    try {
      await this.engine.save(this.key, session, expiry)
      this.#stored = true
    } catch (error) {
      if (!this.#stored) this.#onlyUpdate = false
      throw error
    }
  }
}
