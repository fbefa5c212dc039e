import type { SessionData } from 'express-session'
import { EncodeError } from '../engine/errors.js'
import type { Expiry } from '../engine/options.js'

/*
 * The sessions of express-session ⇄ the plain objects that an engine keeps.
 */

/**
 * What there is to store of a session: its own enumerable properties, as `JSON.stringify` would take them, and the
 * cookie through its `toJSON`. Copying a Cookie property by property would store `_expires`, which nobody reads.
 *
 * @throws {EncodeError} when it is no object
 */
export function plainSession(session: unknown): Record<string, unknown> {
  if (!isObject(session)) {
    throw new EncodeError('', `has to be an object, not ${session === null ? 'null' : typeof session}`)
  }
  const plain = { ...asJson(session) }
  if (isObject(plain.cookie)) plain.cookie = withoutUndefined(asJson(plain.cookie))
  return plain
}

/**
 * A stored object as a session that express-session can work with; `undefined` when it is none, since it has no
 * cookie: somebody else who uses the same engine has stored it.
 */
export function revivedSession(stored: object | undefined): SessionData | undefined {
  if (!isObject(stored) || !isObject(stored.cookie)) return undefined
  const { cookie } = stored
  // JSON made a string of it.
  if (typeof cookie.expires === 'string') cookie.expires = new Date(cookie.expires)
  // Whatever else a session holds is the application's business.
  return stored as unknown as SessionData
}

/**
 * When a session expires: with its cookie, or, where that lasts as long as the browser, when the engine says.
 *
 * @param loaded Whether the session came out of the store in this request. It is alive then, whatever its cookie
 * says: touching a session moves its expiry and leaves the rest as it was, so `expires` may be long past. Such a
 * session, saved in the middle of a request, must not expire at once.
 */
export function sessionExpiry(session: unknown, loaded: boolean): Expiry | undefined {
  if (!isObject(session) || !isObject(session.cookie)) return undefined
  const { expires, originalMaxAge, maxAge } = session.cookie
  if (!(expires instanceof Date) && typeof expires !== 'string') {
    if (typeof maxAge === 'number') return { maxAge: maxAge / 1000 }
    return typeof originalMaxAge === 'number' ? { maxAge: originalMaxAge / 1000 } : undefined
  }
  const moment = new Date(expires)
  if (!loaded || typeof originalMaxAge !== 'number') return { expires: moment }
  return { expires: new Date(Math.max(moment.getTime(), Date.now() + originalMaxAge)) }
}

/** Anything with properties, seen as such. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function asJson(value: Record<string, unknown>): Record<string, unknown> {
  if (typeof value.toJSON !== 'function') return value
  const json: unknown = value.toJSON()
  return isObject(json) ? json : value
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  const defined: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    if (value[name] !== undefined) defined[name] = value[name]
  }
  return defined
}
