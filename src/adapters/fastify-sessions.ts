import { isObject, reviveCookie } from './cookie-session-data.js'
import { SessionInHand } from './session-in-hand.js'

/*
 * How a session of @fastify/session is recognised as one that was loaded.
 *
 * @fastify/session tells a store neither which request it asks for, nor what becomes of the object that it gets: it
 * copies its properties into a Session of its own, one by one. But it takes the cookie by its `toJSON`, spreads that
 * into the session's cookie options, and keeps those in the Session, under a symbol. A mark among them goes with the
 * session wherever it goes, and nobody else meets it: it is in no JSON, on no cookie and among no session's keys.
 */

const IN_HAND = Symbol('coatcheck: session in hand')

/** A stored object as @fastify/session is to have it: the Session that is made of it will lead to `inHand`. */
export function marked(stored: object, inHand: SessionInHand): object {
  const session = stored as Record<string, unknown>
  if (isObject(session.cookie)) {
    reviveCookie(session.cookie)
    markCookie(session.cookie, inHand)
  } else {
    // Somebody else has stored it. @fastify/session makes a cookie where there is none, or an empty one.
    hide(session, 'cookie', markCookie({}, inHand))
  }
  return session
}

/** Where the Sessions of one copy of @fastify/session keep their cookie options: seen once, known for all. */
let optionsSymbol: symbol | undefined

/** What the Session of a request was loaded as; `undefined` for a new one, and for data that is no Session. */
export function inHandOf(session: object): SessionInHand | undefined {
  if (optionsSymbol !== undefined) {
    const options: unknown = Reflect.get(session, optionsSymbol)
    if (isObject(options)) return markIn(options)
  }
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const kept: unknown = Reflect.get(session, symbol)
    const inHand = isObject(kept) ? markIn(kept) : undefined
    if (inHand === undefined) continue
    optionsSymbol = symbol
    return inHand
  }
  return undefined
}

function markIn(kept: object): SessionInHand | undefined {
  const inHand: unknown = Reflect.get(kept, IN_HAND)
  return inHand instanceof SessionInHand ? inHand : undefined
}

/** Whether this is the Session of a request, as against data from elsewhere, or a copy under another key. */
export function isSessionOf(key: string, session: object): boolean {
  // Not by its class, which @fastify/session keeps to itself.
  const { sessionId, regenerate } = session as Record<string, unknown>
  return sessionId === key && typeof regenerate === 'function'
}

function markCookie(cookie: Record<string, unknown>, inHand: SessionInHand): object {
  return hide(cookie, 'toJSON', () => ({ ...cookie, [IN_HAND]: inHand }))
}

/** Adds what no comparison and no copy of the object will show. */
function hide(object: object, name: string, value: unknown): object {
  return Object.defineProperty(object, name, {
    value,
    enumerable: false,
    configurable: true,
    writable: true,
  })
}
