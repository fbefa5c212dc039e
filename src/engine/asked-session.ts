import { type Asked, LOAD_VERSION, LOAD_WITH_EXPIRY } from './caller.js'
import { versionOf } from './session-versions.js'

/** What a load found. */
export interface FoundSession {
  readonly payload: Uint8Array
  /** Milliseconds since the epoch. */
  readonly expiry: number
}

/**
 * As much of what was found as a load of this kind tells.
 *
 * @param decode Turns the bytes into a session; `undefined` when they are none
 */
export function asAsked(
  asks: Asked,
  { payload, expiry }: FoundSession,
  decode: (payload: Uint8Array) => unknown,
): unknown {
  // Not after the codec has had it: that may work in place.
  const version = asks === LOAD_VERSION ? versionOf(payload) : undefined
  const session = decode(payload)
  if (session === undefined) return undefined
  if (asks === LOAD_VERSION) return { session, version }
  // A file's time may be off by a fraction of the millisecond that was meant.
  return asks === LOAD_WITH_EXPIRY ? { session, expires: new Date(Math.round(expiry)) } : session
}
