import { parsePythonJson } from './python-json.js'

/*
 * When a session of Django's file backend expires: `_session_expiry` in its data, else the time of its file and
 * SESSION_COOKIE_AGE. Both threads have to agree on it.
 */

/** What says in Django's data when the session expires. */
const NAME = '_session_expiry'
const QUOTED = `"${NAME}"`

/** The latest moment that a `Date` can be: for sessions that do not expire. */
export const NEVER = 8.64e15

/** How long sessions live that say nothing themselves. */
export interface ExpiryRule {
  /** Django's SESSION_COOKIE_AGE, in milliseconds. */
  readonly cookieAge: number
  /** Whether `set_expiry(seconds)` ends a session. To Django's file backend it does not: only to its cookie. */
  readonly expireIdle: boolean
}

/** What a session says of its expiry: seconds, or a moment in milliseconds since the epoch. */
export type OwnExpiry = { readonly seconds: number } | { readonly at: number }

/**
 * What a session's JSON says of its expiry; `undefined` when that is nothing, as with `set_expiry(None)`, and with 0,
 * which only means that the browser is not to keep the cookie.
 */
export function ownExpiry(json: Uint8Array): OwnExpiry | undefined {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.length)
  // Most sessions say nothing: there is no need to read them.
  if (!bytes.includes(QUOTED, 0, 'latin1')) return undefined
  let session: unknown
  try {
    session = parsePythonJson(json)
  } catch {
    return undefined
  }
  if (typeof session !== 'object' || session === null || !Object.hasOwn(session, NAME)) return undefined
  const value: unknown = Reflect.get(session, NAME)
  if (typeof value === 'string') {
    const at = Date.parse(value)
    return Number.isNaN(at) ? undefined : { at }
  }
  // True is 1 in Python.
  if (value === true) return { seconds: 1 }
  return typeof value === 'number' && value !== 0 ? { seconds: value } : undefined
}

/** When a session expires whose file has this time. All in milliseconds since the epoch. */
export function expiryOf(own: OwnExpiry | undefined, fileTime: number, rule: ExpiryRule): number {
  if (own === undefined) return fileTime + rule.cookieAge
  if ('at' in own) return own.at
  if (own.seconds <= 0) return 0
  return rule.expireIdle ? Math.min(NEVER, fileTime + own.seconds * 1000) : NEVER
}

/** The time that a file gets whose session is to expire then. One that says itself when it does was last used now. */
export function fileTimeFor(
  expiry: number,
  own: OwnExpiry | undefined,
  { cookieAge }: ExpiryRule,
  now: number,
): number {
  return own === undefined ? Math.max(0, expiry - cookieAge) : now
}
