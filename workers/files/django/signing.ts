import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'
import { hasCode } from '../../protocol/index.js'

/*
 * What Django's `signing.dumps(…, compress=True)` makes of a session, since 3.1:
 *
 *   [.] base64url of the JSON, zlib-compressed where the dot says so
 *   :   seconds since the epoch in base 62, which nobody looks at when a session is read
 *   :   base64url of an HMAC-SHA256 over all before the last colon
 *
 * The HMAC's key is the SHA-256 digest of salt, `signer` and secret.
 */

const SEPARATOR = 0x3a
const COMPRESSED = 0x2e
const BASE_62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Bytes that a text has besides its base64: dot, colons, a timestamp of up to eleven digits, and the signature. */
const ENVELOPE = 64

/** Why a text is none that a holder of the secrets has signed. */
const NOT_SIGNED = 'not signed'
const OTHER_SIGNATURE = 'signature does not match'
/** Why one that he has signed is not unpacked. */
const LARGER_THAN_ALLOWED = 'larger than any session'

/** Whether a text may be a good one all the same: to holders of another secret, or to those who allow for more. */
export function mayBeSound(reason: string): boolean {
  return reason === NOT_SIGNED || reason === OTHER_SIGNATURE || reason === LARGER_THAN_ALLOWED
}

/** What is signed with. */
export interface SigningOptions {
  /** The first one signs; a signature by any of them is good. */
  readonly secrets: readonly (string | Uint8Array)[]
  readonly salt: string
}

/** A text whose signature held. */
export interface Unsigned {
  readonly json: Buffer
  /** Of the signature, and so of this very text. */
  readonly fingerprint: readonly [low: number, high: number]
}

/** The longest text that can hold so many bytes of JSON. */
export function longestSigned(jsonBytes: number): number {
  return Math.ceil(jsonBytes / 3) * 4 + ENVELOPE
}

/** Signs sessions as Django does, and opens what it has signed. */
export class Signing {
  readonly #keys: readonly KeyObject[]
  readonly #current: KeyObject

  constructor({ secrets, salt }: SigningOptions) {
    this.#keys = secrets.map((secret) => derivedKey(secret, salt))
    const [current] = this.#keys
    if (current === undefined) throw new TypeError('there is no secret to sign with')
    this.#current = current
  }

  /** @param now Milliseconds since the epoch. */
  sign(json: Uint8Array, now: number): Buffer {
    const value = `${packed(json)}:${base62(Math.floor(now / 1000))}`
    return Buffer.from(`${value}:${signature(value, this.#current)}`, 'latin1')
  }

  /** A reason in words where the text is none that a holder of the secrets has signed, or too large. */
  unsign(text: Buffer, mostBytes: number): Unsigned | string {
    const end = text.lastIndexOf(SEPARATOR)
    if (end === -1) return NOT_SIGNED
    const value = text.subarray(0, end)
    const given = text.subarray(end + 1)
    if (!this.#keys.some((key) => isSignature(given, value, key))) return OTHER_SIGNATURE
    const timestampAt = value.lastIndexOf(SEPARATOR)
    if (timestampAt === -1) return 'signed without a timestamp'
    const json = unpacked(value.subarray(0, timestampAt), mostBytes)
    if (typeof json === 'string') return json
    const digest = Buffer.from(given.toString('latin1'), 'base64url')
    return { json, fingerprint: [digest.readUInt32LE(0), digest.readUInt32LE(4)] }
  }
}

function derivedKey(secret: string | Uint8Array, salt: string): KeyObject {
  return createSecretKey(createHash('sha256').update(`${salt}signer`).update(secret).digest())
}

function signature(value: string | Uint8Array, key: KeyObject): string {
  return createHmac('sha256', key).update(value).digest('base64url')
}

function isSignature(given: Buffer, value: Buffer, key: KeyObject): boolean {
  const expected = Buffer.from(signature(value, key), 'latin1')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Compressed only where that is shorter by more than the dot that tells it. */
function packed(json: Uint8Array): string {
  const compressed = deflateSync(json, {
    windowBits: windowFor(json.length),
    chunkSize: chunkFor(json.length),
  })
  if (compressed.length < json.length - 1) return `.${compressed.toString('base64url')}`
  return Buffer.from(json.buffer, json.byteOffset, json.length).toString('base64url')
}

function unpacked(value: Buffer, mostBytes: number): Buffer | string {
  const isCompressed = value[0] === COMPRESSED
  const bytes = Buffer.from(value.toString('latin1', isCompressed ? 1 : 0), 'base64url')
  if (!isCompressed) return bytes.length > mostBytes ? LARGER_THAN_ALLOWED : bytes
  try {
    return inflateSync(bytes, { maxOutputLength: mostBytes, chunkSize: chunkFor(4 * bytes.length) })
  } catch (error) {
    return hasCode(error, 'ERR_BUFFER_TOO_LARGE') ? LARGER_THAN_ALLOWED : 'cannot be decompressed'
  }
}

/*
 * zlib clears a window of 32 KiB for each stream, and Node hands it 16 KiB to write to. For a session of half a
 * kilobyte, that is half of the time.
 */

function windowFor(length: number): number {
  return Math.min(15, Math.max(9, 32 - Math.clz32(length)))
}

function chunkFor(length: number): number {
  return Math.min(16 * 1024, Math.max(1024, length))
}

function base62(value: number): string {
  let digits = ''
  for (let rest = value; rest > 0 || digits === ''; rest = Math.floor(rest / 62)) {
    digits = BASE_62.charAt(rest % 62) + digits
  }
  return digits
}
