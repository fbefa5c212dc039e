import type { SessionData } from 'hono-sessions'
import type { Expiry } from '../engine/options.js'

/*
 * The sessions of hono-sessions ⇄ the plain objects that an engine keeps.
 */

/**
 * What there is to store of a session: all but `_id`. That is its key, which hono-sessions knows from the cookie, and
 * which is better not written into what may be backed up.
 */
export function storedSession(session: SessionData): object {
  if (typeof session !== 'object' || session === null) return session
  const { _id, ...rest } = session
  return rest
}

/** A stored object as a session of hono-sessions; `undefined` when it is none: somebody else has stored it. */
export function revivedSession(stored: object | undefined): SessionData | undefined {
  if (stored === undefined) return undefined
  const { _data } = stored as Partial<SessionData>
  return typeof _data === 'object' && _data !== null ? (stored as SessionData) : undefined
}

/** When a session expires: at its `_expire`, or, where it has none, when the engine says. */
export function sessionExpiry(session: SessionData): Expiry | undefined {
  const expire = session?._expire
  return expire === null || expire === undefined ? undefined : { expires: new Date(expire) }
}

/**
 * A session that could not be loaded: whoever looks into it gets the error thrown.
 *
 * hono-sessions takes an error of `getSessionById` for a forged cookie: it begins a new session, sends its cookie, and
 * the visitor is logged out because a disk had a bad moment. But it looks into what it was given outside of that
 * `catch`, before it sets any cookie; what is thrown there goes to the application's `onError`.
 */
export function failedSession(error: unknown): SessionData {
  const session = {}
  for (const name of ['_data', '_expire', '_delete', '_accessed']) {
    Object.defineProperty(session, name, {
      enumerable: true,
      get() {
        throw error
      },
    })
  }
  return session as SessionData
}
