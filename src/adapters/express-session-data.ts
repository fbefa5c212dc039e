import type { SessionData } from 'express-session'
import { isObject } from './cookie-session-data.js'

/**
 * A stored object as a session that express-session can work with; `undefined` when it is none, since it has no
 * cookie: somebody else who uses the same engine has stored it.
 *
 * @param expires When the session expires: later than it was stored with, where it was touched since
 */
export function revivedSession(stored: object, expires: Date): SessionData | undefined {
  if (!isObject(stored) || !isObject(stored.cookie)) return undefined
  const { cookie } = stored
  // One that lasts as long as the browser has none; JSON made a string of it.
  if (cookie.expires instanceof Date || typeof cookie.expires === 'string') cookie.expires = expires
  // Whatever else a session holds is the application's business.
  return stored as unknown as SessionData
}
