import { inspect } from 'node:util'
import { DJANGO_CODEC, DJANGO_KEY, type DjangoFormatOptions } from '../../workers/files/django/options.js'
import { parsePythonJson } from '../../workers/files/django/python-json.js'
import { expiryOf, ownExpiry } from '../../workers/files/django/session-expiry.js'
import { EncodeError, InvalidSessionKeyError } from '../errors.js'
import { booleanOption, checkNames, kindOf, numberOption, refuse, refuseUnseen } from '../option-checks.js'
import type { Codec } from './codec.js'
import { json } from './json.js'

/** Options of {@link django}. */
export interface DjangoOptions {
  /** Django's `SECRET_KEY`. */
  secretKey: string | Uint8Array
  /** Django's `SECRET_KEY_FALLBACKS`: good for reading what was saved before the key was changed. Default none. */
  fallbackKeys?: readonly (string | Uint8Array)[]
  /**
   * Django's `SESSION_COOKIE_AGE`, in seconds: Django ends a session so long after the time of its file. Default
   * 1 209 600, as in Django.
   */
  cookieAge?: number
  /**
   * Whether a session with `set_expiry(seconds)` ends that long after it was last saved or touched. In Django only its
   * cookie does; its file backend lets such a session live for ever. Default `false`: as in Django.
   */
  expireIdle?: boolean
  /** What Django's signatures are salted with; another one for a `SessionStore` subclass. Default that of `SessionStore`. */
  salt?: string
}

/** What an array begins with in JSON. */
const ARRAY = '['.charCodeAt(0)
const SALT = 'django.contrib.sessions.SessionStore'
const TWO_WEEKS = 1_209_600
/** Ten years: file times have to stay later than the epoch. */
const LONGEST_COOKIE_AGE = 315_360_000

/**
 * Sessions as the file backend of Django 3.1 and later keeps them, with its JSON serializer: both can use the same
 * directory at the same time, and log a user in for each other. Needs `files({ layout: 'flat' })`, and in `prefix` what
 * Django has in `SESSION_COOKIE_NAME`.
 *
 * A session is what `JSON.stringify` makes of it; see {@link json}. Keys are `[a-z0-9]`, as Django makes them: others are
 * refused with an `InvalidSessionKeyError`.
 *
 * @throws {TypeError} for a wrong option, naming it; no secret is ever shown
 * @example
 * const engine = new SessionEngine({
 *   storage: files({ directory: '/var/lib/sessions', layout: 'flat', prefix: 'sessionid' }),
 *   codec: django({ secretKey: process.env.SECRET_KEY }),
 * })
 */
export function django(options: DjangoOptions): Codec {
  const formatOptions = fillOptions(options)
  const { encode } = json()
  return {
    name: 'django',
    id: DJANGO_CODEC,
    encode(session) {
      const bytes = encode(session)
      if (bytes[0] === ARRAY) throw new EncodeError('', 'is an array, and Django needs an object')
      return asciiOnly(bytes)
    },
    decode(bytes) {
      const session = parsePythonJson(bytes)
      if (Array.isArray(session)) throw new TypeError('an array is no session')
      return session
    },
    recordFormat: {
      module: new URL('../../workers/files/django/index.js', import.meta.url).href,
      options: unseen(formatOptions),
      checkKey(key) {
        if (!DJANGO_KEY.test(key))
          throw new InvalidSessionKeyError('not made of 1 to 128 of a-z 0-9, as Django has it')
      },
      expiryOf(payload, now) {
        const own = ownExpiry(payload)
        return own === undefined ? undefined : expiryOf(own, now, formatOptions)
      },
    },
  }
}

function fillOptions(options: DjangoOptions): DjangoFormatOptions {
  checkNames('django', options, ['secretKey', 'fallbackKeys', 'cookieAge', 'expireIdle', 'salt'])
  const { fallbackKeys = [], salt = SALT } = options
  if (!Array.isArray(fallbackKeys))
    refuseUnseen('fallbackKeys', kindOf(fallbackKeys), 'an array of secret keys')
  if (typeof salt !== 'string' || salt === '') refuse('salt', salt, 'a string that is not empty')
  return {
    secrets: [
      secret('secretKey', options.secretKey),
      ...fallbackKeys.map((key, index) => secret(`fallbackKeys[${index}]`, key)),
    ],
    salt,
    cookieAge:
      1000 *
      numberOption('cookieAge', options.cookieAge, TWO_WEEKS, {
        least: 1,
        most: LONGEST_COOKIE_AGE,
        unit: 'seconds',
      }),
    expireIdle: booleanOption('expireIdle', options.expireIdle, false),
  }
}

/** A codec may be logged with the options that it stands in. A clone for a worker has what is enumerable. */
function unseen(options: DjangoFormatOptions): DjangoFormatOptions {
  const value = (): string => 'options with secrets'
  return Object.defineProperties({ ...options }, { [inspect.custom]: { value }, toJSON: { value } })
}

function secret(name: string, value: unknown): string | Uint8Array {
  const fits = typeof value === 'string' || value instanceof Uint8Array
  if (fits && value.length > 0) return value
  // What was given instead may hold the secret.
  return refuseUnseen(name, kindOf(value), 'a secret key of Django, a string or bytes that are not empty')
}

/** Django reads one byte for a character, so everything else has to be spelled out, as Python does. */
function asciiOnly(utf8: Uint8Array): Uint8Array {
  if (utf8.every((byte) => byte < 0x80)) return utf8
  const text = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString('utf8')
  return Buffer.from(text.replace(/[\u0080-\uffff]/g, spelledOut), 'latin1')
}

function spelledOut(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
