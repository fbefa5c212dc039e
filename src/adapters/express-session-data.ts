import type { SessionData } from 'express-session'
import { isObject, reviveCookie } from './cookie-session-data.js'

/**
 * A stored object as a session that express-session can work with; `undefined` when it is none, since it has no
 * cookie: somebody else who uses the same engine has stored it.
 */
export function revivedSession(stored: object | undefined): SessionData | undefined {
  if (!isObject(stored) || !isObject(stored.cookie)) return undefined
  reviveCookie(stored.cookie)
  // Whatever else a session holds is the application's business.
  return stored as unknown as SessionData
}
