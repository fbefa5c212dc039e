import { parsePythonJson } from '../../../workers/files/django/python-json.js'
import { type ExpiryRule, expiryOf, ownExpiry } from '../../../workers/files/django/session-expiry.js'
import { Signing } from '../../../workers/files/django/signing.js'
import type { Finding } from '../source.js'
import type { SourceFile } from '../source-file.js'
import type { FilledOptions } from './options.js'

/** What Django's file backend signs sessions with besides the secret: the class that does it. */
const SALT = 'django.contrib.sessions.SessionStore'

/** Reads the contents of the files in which Django keeps sessions. */
export class ContentReader {
  readonly #signing: Signing
  readonly #rule: ExpiryRule
  readonly #mostBytes: number

  constructor({ secrets, cookieAge, mostBytes }: FilledOptions) {
    this.#signing = new Signing({ secrets, salt: SALT })
    this.#mostBytes = mostBytes
    // Django goes on accepting a session after the seconds that it was given to live; but then its cookie has ended, and
    // nobody can come with it.
    this.#rule = { cookieAge, expireIdle: true }
  }

  /** The session in a file, at a moment in milliseconds since the epoch. */
  read({ bytes, modifiedAt }: SourceFile, now: number): Finding {
    // The placeholder of a session that was about to be created.
    if (bytes.length === 0) return { state: 'foreign' }
    const unsigned = this.#signing.unsign(bytes, this.#mostBytes)
    if (typeof unsigned === 'string') return refused(unsigned)
    const session = sessionIn(unsigned.json)
    if (session === undefined) return { state: 'unreadable', reason: 'is no JSON object' }
    const expiresAt = expiryOf(ownExpiry(unsigned.json), modifiedAt, this.#rule)
    return expiresAt > now ? { state: 'session', session, expiresAt } : { state: 'expired' }
  }
}

function refused(reason: string): Finding {
  if (reason === 'signature does not match') {
    return {
      state: 'unreadable',
      reason: 'was signed with another secret, or changed since',
      secret: 'wrong',
    }
  }
  if (reason === 'not signed')
    return { state: 'unreadable', reason: 'is not signed, or by a Django before 3.1' }
  return { state: 'unreadable', reason: `is signed, but no session: ${reason}` }
}

function sessionIn(json: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed = parsePythonJson(json)
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isObject ? (parsed as Record<string, unknown>) : undefined
  } catch {
    // Pickled, for example. The error may quote the session: it is dropped.
    return undefined
  }
}
