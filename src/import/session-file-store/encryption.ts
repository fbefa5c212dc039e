import {
  type CipherGCMTypes,
  createDecipheriv,
  createHmac,
  getCipherInfo,
  getHashes,
  pbkdf2,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import { booleanOption, checkNames, choiceOption, refuse } from '../../option-checks.js'

/*
 * What session-file-store's `secret` makes of a session: the format of kruptein 2, which it encrypts with. A JSON object
 * of `ct`, the ciphertext, and `hmac`, over the ciphertext's text, both as text in `encodeas`; `iv`, `salt` and `at`, the
 * authentication tag, as what Buffers are in JSON; `aad` as text. The key comes of the secret and the salt, for each
 * session anew: that is what takes the time, and why it is left to libuv's threads. (kruptein does it on the main
 * thread; and kruptein 3 computes the HMAC otherwise, so it cannot read what kruptein 2 wrote.)
 */

/** Options of encryption, named as session-file-store's option `crypto` has them. */
export interface EncryptionOptions {
  /** Default `'aes-256-gcm'`. */
  algorithm?: string
  /** Default `'sha512'`. */
  hashing?: string
  /** `true` for scrypt, `false` for PBKDF2. Default `false`, as there: giving `crypto` replaces all its defaults. */
  use_scrypt?: boolean
  /** Default `'binary'`. */
  encodeas?: 'binary' | 'hex' | 'base64'
}

/** What session-file-store uses when its option `crypto` is not given. */
export const DEFAULT_ENCRYPTION: EncryptionOptions = {
  algorithm: 'aes-256-gcm',
  hashing: 'sha512',
  use_scrypt: true,
}

/** A text that {@link Decryption.decrypt} got out, or why it did not. */
export type Decrypted =
  | { readonly text: string }
  | { readonly problem: 'not encrypted' | 'wrong secret' | 'damaged' }

/** A session as it lies encrypted. */
export interface Sealed {
  readonly ciphertext: string
  readonly hmac: string
  readonly iv: Buffer
  readonly salt: Buffer
  readonly tag: Buffer | undefined
  readonly associated: string | undefined
}

const PBKDF2_ROUNDS = 15_000
const TAG_BYTES = 16

const scryptInThread = promisify<string, Buffer, number, Buffer>(scrypt)
const pbkdf2InThread = promisify(pbkdf2)

/** Decrypts what one secret has encrypted. */
export class Decryption {
  readonly #secret: string
  readonly #algorithm: string
  readonly #hashing: string
  readonly #encoding: 'binary' | 'hex' | 'base64'
  readonly #scrypt: boolean
  readonly #keyBytes: number

  /** @throws {TypeError} for a wrong option, naming it */
  constructor(secret: string, options: EncryptionOptions) {
    checkNames('crypto', options, ['algorithm', 'hashing', 'use_scrypt', 'encodeas'])
    const { algorithm = 'aes-256-gcm', hashing = 'sha512' } = options
    const cipher = typeof algorithm === 'string' ? getCipherInfo(algorithm) : undefined
    if (cipher === undefined) refuse('crypto.algorithm', algorithm, 'a cipher that this Node knows')
    if (!getHashes().includes(hashing)) refuse('crypto.hashing', hashing, 'a hash that this Node knows')
    this.#secret = secret
    this.#algorithm = algorithm
    this.#hashing = hashing
    this.#keyBytes = cipher.keyLength
    this.#scrypt = booleanOption('crypto.use_scrypt', options.use_scrypt, false)
    this.#encoding = choiceOption('crypto.encodeas', options.encodeas, 'binary', ['binary', 'hex', 'base64'])
  }

  /** The text that was encrypted. Bytes are believed only when their HMAC is right. */
  async decrypt(text: string): Promise<Decrypted> {
    const sealed = sealedIn(text, this.#encoding)
    if (sealed === undefined) return { problem: 'not encrypted' }
    const key = await this.#keyFor(sealed.salt)
    const digest = createHmac(this.#hashing, key).update(sealed.ciphertext, 'utf8').digest()
    const given = Buffer.from(sealed.hmac, this.#encoding)
    if (digest.length !== given.length || !timingSafeEqual(digest, given)) return { problem: 'wrong secret' }
    try {
      return { text: this.#decipher(sealed, key) }
    } catch {
      return { problem: 'damaged' }
    }
  }

  #keyFor(salt: Buffer): Promise<Buffer> {
    if (this.#scrypt) return scryptInThread(this.#secret, salt, this.#keyBytes)
    return pbkdf2InThread(this.#secret, salt, PBKDF2_ROUNDS, this.#keyBytes, this.#hashing)
  }

  #decipher({ ciphertext, iv, tag, associated }: Sealed, key: Buffer): string {
    // Of the types' many kinds of decipher this is the one that can do it all; what a cipher cannot do is not in its file.
    const algorithm = this.#algorithm as CipherGCMTypes
    const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: TAG_BYTES })
    if (tag !== undefined) decipher.setAuthTag(tag)
    if (associated !== undefined) decipher.setAAD(Buffer.from(associated, this.#encoding))
    return decipher.update(ciphertext, this.#encoding, 'utf8') + decipher.final('utf8')
  }
}

/** What is in a text, or `undefined` when it is nothing that was encrypted. */
export function sealedIn(text: string, encoding: BufferEncoding): Sealed | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof json !== 'object' || json === null) return undefined
  const { ct, hmac, iv, salt, at, aad } = json as Readonly<Record<string, unknown>>
  const [ivBytes, saltBytes] = [bytesIn(iv, encoding), bytesIn(salt, encoding)]
  if (typeof ct !== 'string' || typeof hmac !== 'string') return undefined
  if (ivBytes === undefined || saltBytes === undefined) return undefined
  return {
    ciphertext: ct,
    hmac,
    iv: ivBytes,
    salt: saltBytes,
    tag: bytesIn(at, encoding),
    associated: typeof aad === 'string' ? aad : undefined,
  }
}

/** Bytes as JSON has them: `{ type: 'Buffer', data: [...] }`, or as text. */
function bytesIn(value: unknown, encoding: BufferEncoding): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value, encoding)
  if (typeof value !== 'object' || value === null || !('data' in value)) return undefined
  return Array.isArray(value.data) ? Buffer.from(value.data) : undefined
}
