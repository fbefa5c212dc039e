import type { Finding } from '../source.js'
import { Decryption, sealedIn } from './encryption.js'
import type { FilledOptions } from './options.js'

/*
 * What a file of session-file-store holds. It is read as session-file-store reads it, with two differences: what cannot
 * be read stays where it is, and a session says by itself when it expires.
 */

/** The latest moment that a Date can hold. */
const END_OF_TIME = 8.64e15

/** Reads the contents of session files. */
export class ContentReader {
  readonly #options: FilledOptions
  readonly #decryption: Decryption | undefined

  /** @throws {TypeError} for a wrong option of encryption */
  constructor(options: FilledOptions) {
    this.#options = options
    const { secret, crypto } = options
    this.#decryption = secret === undefined ? undefined : new Decryption(secret, crypto)
  }

  /** The session in a file's bytes, at a moment in milliseconds since the epoch. */
  async read(bytes: Buffer, now: number): Promise<Finding> {
    const { encoding } = this.#options
    if (this.#decryption === undefined) {
      return this.#sessionIn(encoding === null ? bytes : bytes.toString(encoding), now)
    }
    const decrypted = await this.#decryption.decrypt(bytes.toString(encoding ?? 'utf8'))
    if ('text' in decrypted) return this.#sessionInDecrypted(decrypted.text, now)
    if (decrypted.problem === 'damaged') return unreadable('was changed after it was encrypted')
    if (decrypted.problem === 'not encrypted') {
      return { ...unreadable('is not encrypted'), secret: 'needless' }
    }
    return { ...unreadable('was encrypted with another secret, or changed since'), secret: 'wrong' }
  }

  /** Encryption has made JSON of the encoded text first. */
  #sessionInDecrypted(text: string, now: number): Finding {
    const encoded = this.#decode(text)
    if (typeof encoded !== 'string') return unreadable('holds no text where it is decrypted')
    return this.#sessionIn(encoded, now)
  }

  #sessionIn(encoded: string | Buffer, now: number): Finding {
    const decoded = this.#decode(encoded)
    if (decoded === undefined) return unreadable('cannot be decoded')
    if (isObject(decoded) && isObject(decoded.cookie)) return this.#aged(decoded, decoded.cookie, now)
    if (sealedIn(encoded.toString(), 'binary') === undefined) return unreadable('is no session with a cookie')
    return { ...unreadable('is encrypted, and there is no secret'), secret: 'missing' }
  }

  /** `undefined` stands for whatever the decoder does not accept. Its message may quote the session: it is dropped. */
  #decode(encoded: string | Buffer): unknown {
    try {
      return this.#options.decoder(encoded)
    } catch {
      return undefined
    }
  }

  #aged(decoded: Record<string, unknown>, cookie: Record<string, unknown>, now: number): Finding {
    // The time of the last access was session-file-store's, not the application's.
    const { __lastAccess: lastAccess, ...session } = decoded
    const age = this.#ageOf(cookie)
    // It does not expire there without a time to count from. We count from now.
    const from = typeof lastAccess === 'number' ? lastAccess : now
    const expiresAt = Math.min(from + age, END_OF_TIME)
    return age !== 0 && expiresAt >= now ? { state: 'session', session, expiresAt } : { state: 'expired' }
  }

  /** How long a session lives after it was last used, in milliseconds. */
  #ageOf({ originalMaxAge }: Record<string, unknown>): number {
    return typeof originalMaxAge === 'number' && originalMaxAge !== 0
      ? originalMaxAge
      : this.#options.ttl * 1000
  }
}

function unreadable(reason: string): { state: 'unreadable'; reason: string } {
  return { state: 'unreadable', reason }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
