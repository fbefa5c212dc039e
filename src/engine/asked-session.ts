import { type PayloadPlace, payloadAt } from '../../workers/protocol/index.js'
import { type Asked, LOAD_VERSION, LOAD_WITH_EXPIRY } from './caller.js'
import { versionOf } from './session-versions.js'

/** What a load found. */
export interface FoundSession extends PayloadPlace {
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
  found: FoundSession,
  decode: (payload: PayloadPlace) => unknown,
): unknown {
  // Not after the codec has had it: that may work in place.
  const version = asks === LOAD_VERSION ? versionOf(payloadAt(found)) : undefined
  const session = decode(found)
  if (session === undefined) return undefined
  if (asks === LOAD_VERSION) return { session, version }
  // A file's time may be off by a fraction of the millisecond that was meant.
  return asks === LOAD_WITH_EXPIRY ? { session, expires: new Date(Math.round(found.expiry)) } : session
}
