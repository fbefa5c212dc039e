import type { IncomingMessage, ServerResponse } from 'node:http'
import vary from 'vary'
import { UpdateError } from '../../errors.js'
import { hasCode } from '../errors.js'
import { Session } from '../session.js'
import type { GateKeeper } from './response-gate.js'
import type { CookieAge, ReceivedCookie, SessionCookie } from './session-cookie.js'
import type { TouchTimes } from './touch-times.js'

/** What is the same for all requests. */
export interface StoringOptions {
  readonly cookie: SessionCookie
  readonly saveEveryRequest: boolean
  readonly touchAfter: number | undefined
  readonly touches: TouchTimes
}

/** From here on it is the server that has failed; nothing of such a request is stored. */
const SERVER_ERROR = 500

/**
 * The session of one request, on the response's way out: whether it is stored, and what becomes of the cookie. Just as
 * in Django, unless said otherwise.
 *
 * Whatever the handler has put in `request.session` counts; where that is no Session, nothing is done.
 */
export class RequestSession implements GateKeeper {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #received: ReceivedCookie
  readonly #options: StoringOptions
  readonly #onFailed: (error: Error) => void
  #status = 0
  #accessed = false
  /** What the headers are to say of the cookie. */
  #cookie: { readonly key: string; readonly age: CookieAge } | 'removed' | undefined

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    received: ReceivedCookie,
    options: StoringOptions,
    onFailed: (error: Error) => void,
  ) {
    this.#request = request
    this.#response = response
    this.#received = received
    this.#options = options
    this.#onFailed = onFailed
  }

  beforeHeaders(status: number): Promise<void> | undefined {
    this.#status = status
    const session = this.#session
    if (session === undefined) return undefined
    this.#accessed = session.accessed
    // One that was changed may be about to get a key, or to lose it.
    if (session.isEmpty && !session.modified) {
      // A key that nothing is stored under is taken from the client only where somebody has looked: the response then
      // depends on the cookie. Else any picture could undo, with a late answer, the login of another request.
      const isOver = this.#received.sent && (this.#accessed || this.#received.key === undefined)
      if (isOver) this.#cookie = 'removed'
      return undefined
    }
    if (status >= SERVER_ERROR) return session.modified ? this.#tellKey(session) : undefined
    if (session.modified) return this.#store(session)
    return this.#options.saveEveryRequest ? this.#renew(session) : undefined
  }

  onHeaders(): void {
    const [request, response, cookie] = [this.#request, this.#response, this.#cookie]
    // More than Django does: a cache that keeps a cookie for everybody is worse than one that keeps too little.
    if (this.#accessed || cookie !== undefined) vary(response, 'Cookie')
    if (cookie === 'removed') this.#options.cookie.remove(request, response)
    else if (cookie !== undefined) this.#options.cookie.send(request, response, cookie.key, cookie.age)
  }

  /** What was changed while the response was on its way; of use only where the client knows the session's key. */
  beforeEnd(): Promise<void> | undefined {
    const session = this.#session
    if (session === undefined || session.key === undefined || session.key !== this.#clientsKey)
      return undefined
    return session.modified && this.#status < SERVER_ERROR ? this.#store(session) : undefined
  }

  failed(error: Error): void {
    this.#cookie = undefined
    const session = this.#session
    // Not where nothing is stored under it any more.
    if (session !== undefined && !hasCode(error, 'COATCHECK_MISSING')) this.#noteNewKey(session)
    this.#onFailed(error)
  }

  get #session(): Session | undefined {
    const session: unknown = Reflect.get(this.#request, 'session')
    return session instanceof Session ? session : undefined
  }

  get #clientsKey(): string | undefined {
    const cookie = this.#cookie
    if (cookie === undefined) return this.#received.key
    return cookie === 'removed' ? undefined : cookie.key
  }

  /** Nothing is stored, but a key that the handler has changed has to reach the client: the one it has is worth nothing. */
  async #tellKey(session: Session): Promise<void> {
    await settled(session).catch(() => undefined)
    if (session.isEmpty) this.#removeCookie()
    else this.#noteNewKey(session)
  }

  #removeCookie(): void {
    if (this.#received.sent) this.#cookie = 'removed'
  }

  #noteNewKey(session: Session): void {
    const { key } = session
    if (key === undefined || key === this.#received.key || !session.isLoaded) return
    this.#cookie = { key, age: ageOf(session) }
  }

  async #store(session: Session): Promise<void> {
    // With anything in it, it is saved at once, as it is when the handler ends: what is changed after that is too late.
    if (!session.isLoaded || session.size === 0) await settled(session)
    // There was a key, and nothing is stored under it. Saved all the same, it would be a new session with nothing in it.
    if (session.isEmpty) {
      this.#removeCookie()
      return
    }
    // From here on it tells what the handler changes after this.
    session.modified = false
    try {
      await session.save()
    } catch (error) {
      session.modified = true
      throw error
    }
    this.#renewed(session)
  }

  /** The session goes on as it is; only its expiry is to move. */
  #renew(session: Session): Promise<void> | undefined {
    const { touchAfter, touches } = this.#options
    if (touchAfter === undefined || session.key === undefined) return this.#store(session)
    return touches.isDue(session.key) ? this.#touch(session) : undefined
  }

  async #touch(session: Session): Promise<void> {
    await session.load()
    if (session.isEmpty) return
    if (!(await session.touch())) throw new UpdateError()
    this.#renewed(session)
  }

  #renewed(session: Session): void {
    const { key } = session
    // Ended while it was being stored: the headers have nothing to tell any more.
    if (key === undefined) return
    this.#cookie = { key, age: ageOf(session) }
    const { touchAfter, touches } = this.#options
    // A short life is renewed in time, too.
    if (touchAfter !== undefined) touches.note(key, Math.min(touchAfter, session.getExpiryAge() / 2))
  }
}

/** Loads it, and waits for what the handler has begun and not awaited. */
async function settled(session: Session): Promise<void> {
  await session.load()
  // Nothing can be stored under no key, so this asks nobody; but it has its turn after all that was called before it.
  await session.exists('')
}

function ageOf(session: Session): CookieAge {
  return session.expiresAtBrowserClose ? 'browser' : session.getExpiryAge()
}
