import type { InspectOptions } from 'node:util'
import { showsBytes } from '../fixtures/shown-bytes.js'

/** All that can be seen of a value. */
export const WHOLE: InspectOptions = { depth: 12, showHidden: true, getters: true, maxStringLength: null }

/** What nobody may read in an error, an event, a log or a crash: the key, what is in the session, and what it is signed with. */
export const SECRETS = {
  key: 'sekretkeyzq7wvkx3m5n8p2r4t6y',
  payload: 'sekretpayloadzq8wvkx3m5n8p2r4t6y',
  signing: 'sekretsigningzq9wvkx3m5n8p2r4t6y',
} as const

/** What session-file-store has encrypted with another secret. */
export const ENCRYPTED = JSON.stringify({
  hmac: SECRETS.payload,
  ct: SECRETS.payload,
  iv: '00',
  salt: '00',
  at: '00',
})

/** A secret, in whatever coat it may come. */
export function coats(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  const wide = Buffer.from(secret, 'utf16le')
  return [
    secret,
    secret.toUpperCase(),
    bytes.toString('hex'),
    wide.toString('hex'),
    wide.toString('latin1'),
    // As Node shows buffers and, escaped, texts.
    bytes
      .toString('hex')
      .replace(/..(?!$)/g, '$& ')
      .slice(0, 36),
    ...['\\u00', '\\x'].map((prefix) => bytes.toString('hex').replace(/../g, `${prefix}$&`)),
    // Whatever stood before it.
    ...[0, 1, 2].map((offset) => {
      const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
      return whole.slice(offset === 0 ? 0 : 4, Math.floor((offset + bytes.length) / 3) * 4)
    }),
  ]
}

/** The names of the secrets that can be read in a text. */
export function readableIn(text: string): string[] {
  return Object.entries(SECRETS)
    .filter(([, secret]) => showsSecret(text, secret))
    .map(([name]) => name)
}

function showsSecret(text: string, secret: string): boolean {
  return (
    coats(secret).some((coat) => text.includes(coat)) || showsBytes(text, Buffer.from(secret).subarray(0, 12))
  )
}
