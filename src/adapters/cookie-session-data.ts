import { EncodeError } from '../engine/errors.js'
import type { Expiry } from '../engine/options.js'

/*
 * Sessions that carry their cookie with them, as those of express-session and @fastify/session do ⇄ the plain objects
 * that an engine keeps.
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

/** A stored cookie, as it was before JSON made strings of its dates. */
export function reviveCookie(cookie: Record<string, unknown>): void {
  if (typeof cookie.expires === 'string') cookie.expires = new Date(cookie.expires)
}

/**
 * When a session expires: with its cookie, or, where that lasts as long as the browser, when the engine says.
 *
 * @param renewed Whether the session is alive whatever its cookie says, and its whole life lies before it again. Where
 * touching a session moves its expiry and leaves the rest as it was, `expires` may be long past; such a session, saved
 * in the middle of a request, must not expire at once.
 */
export function sessionExpiry(session: unknown, renewed: boolean): Expiry | undefined {
  if (!isObject(session) || !isObject(session.cookie)) return undefined
  const { expires, originalMaxAge, maxAge } = session.cookie
  if (!isMoment(expires)) {
    if (typeof maxAge === 'number') return { maxAge: maxAge / 1000 }
    return typeof originalMaxAge === 'number' ? { maxAge: originalMaxAge / 1000 } : undefined
  }
  const moment = new Date(expires)
  if (!renewed || typeof originalMaxAge !== 'number') return { expires: moment }
  return { expires: new Date(Math.max(moment.getTime(), Date.now() + originalMaxAge)) }
}

/** Anything with properties, seen as such. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isMoment(value: unknown): value is Date | string | number {
  return value instanceof Date || typeof value === 'string' || typeof value === 'number'
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
