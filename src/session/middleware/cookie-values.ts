import { sign, unsign } from 'cookie-signature'
import { isSessionKey } from '../keys.js'

/*
 * Session keys ⇄ what stands in the cookie: the key itself, or the key, a full stop and its HMAC-SHA-256. A key has 165
 * bits that nobody can guess, so a signature adds nothing to that. It spares the storage the keys that somebody makes up.
 */

/** How keys stand in cookies. */
export interface CookieValues {
  write(key: string): string
  /** The key; `undefined` for what no key can be, or was not signed here. */
  read(value: string): string | undefined
}

/** Keys as they are, as in Django. */
export const UNSIGNED: CookieValues = {
  write: (key) => key,
  read: (value) => (isSessionKey(value) ? value : undefined),
}

/** Keys that are signed with the first secret, and good if signed with any. */
export function signedValues(secrets: readonly [string, ...string[]]): CookieValues {
  return {
    write: (key) => sign(key, secrets[0]),
    read(value) {
      // Before any HMAC: what comes from outside is to cost nothing.
      if (!isSessionKey(value.slice(0, value.lastIndexOf('.')))) return undefined
      for (const secret of secrets) {
        const key = unsign(value, secret)
        if (key !== false) return key
      }
      return undefined
    },
  }
}
