import type { Expiry } from '../engine/options.js'
import { EncodeError } from '../errors.js'

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
  if (isObject(plain.cookie)) plain.cookie = plainCookie(asJson(plain.cookie))
  return plain
}

/** A stored cookie, as it was before JSON made strings of its dates. */
export function reviveCookie(cookie: Record<string, unknown>): void {
  if (typeof cookie.expires === 'string') cookie.expires = new Date(cookie.expires)
}

/** When a session expires: with its cookie, or, where that lasts as long as the browser, when the engine says. */
export function sessionExpiry(session: unknown): Expiry | undefined {
  if (!isObject(session) || !isObject(session.cookie)) return undefined
  const { expires, maxAge, originalMaxAge } = session.cookie
  if (expires instanceof Date) return isMoment(expires) ? { expires } : undefined
  if (typeof expires === 'string' || typeof expires === 'number') return { expires: new Date(expires) }
  const milliseconds = typeof maxAge === 'number' ? maxAge : originalMaxAge
  return typeof milliseconds === 'number' ? { maxAge: milliseconds / 1000 } : undefined
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

/** Without what is undefined; and a Date that is none is `null`, as in JSON: a cookie that lasts as long as the browser. */
function plainCookie(cookie: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const name of Object.keys(cookie)) {
    const value = cookie[name]
    if (value !== undefined) plain[name] = value instanceof Date && !isMoment(value) ? null : value
  }
  return plain
}

function isMoment(date: Date): boolean {
  return !Number.isNaN(date.getTime())
}
