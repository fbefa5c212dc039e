import { randomBytes } from 'node:crypto'

const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const LENGTH = 32
/** The largest multiple of 36 in a byte. Bytes from here on are thrown away: they would make some characters likelier. */
const FAIR = 252
/** A byte is unfair once in 64; with so many at once a second draw is next to never needed. */
const DRAW = LENGTH + 8

/** Session keys as Django makes them: lower case, since some file systems do not tell cases apart. */
const ACCEPTABLE = /^[a-z0-9]{8,256}$/

/** A new session key: 32 characters of `[a-z0-9]`, 165 bits from the system's generator. */
export function newSessionKey(): string {
  let key = ''
  while (key.length < LENGTH) {
    for (const byte of randomBytes(DRAW)) {
      if (byte < FAIR && key.length < LENGTH) key += CHARACTERS[byte % CHARACTERS.length]
    }
  }
  return key
}

/** Whether what a client sent can be a session key at all: 8 to 256 characters of `[a-z0-9]`. */
export function isSessionKey(key: unknown): key is string {
  return typeof key === 'string' && ACCEPTABLE.test(key)
}
