import { hkdfSync } from 'node:crypto'
import type { SealBinding, SealKey } from '../../workers/seal/index.js'
import { kindOf, refuseUnseen } from '../option-checks.js'

/** What sessions are sealed with: see docs/seal.md. */
export interface SealOptions {
  /**
   * The newest key first: it seals; the others only open what they have sealed. Each is a string of at least 32 characters,
   * such as `openssl rand -base64 32` prints, or at least 32 bytes. A string has no white space at its ends, which nobody sees.
   */
  keys: readonly (string | Uint8Array)[]
  /**
   * Whether sessions are read that are not sealed: for a directory that has some from before. Whoever can write to the
   * directory can then put sessions there. Default `false`.
   */
  acceptUnsealed?: boolean
}

const SHORTEST = 32
const HOW = `a string of at least ${SHORTEST} characters or ${SHORTEST} bytes; openssl rand -base64 ${SHORTEST} makes one`
/** How the command line's files of keys tell bytes from strings: one line must not be two keys. */
const NOTATION = /^(?:base64|hex):/
const NAMES = ['keys', 'acceptUnsealed']

/*
 * From what the user gives, HKDF with SHA-256 (RFC 5869) and an empty salt derives the key and the number that tells it from
 * others; what is derived alone goes to workers and into files. A string stands for its UTF-8 bytes.
 */
const KEY_INFO = 'coatcheck seal 1 key'
const ID_INFO = 'coatcheck seal 1 id'
const KEY_BYTES = 32
const ID_BYTES = 4

/**
 * Checks the option and derives the keys.
 * @throws {TypeError} naming what is wrong and how to make a key; no value is ever shown
 */
export function sealOption(seal: SealOptions | undefined): SealBinding | undefined {
  if (seal === undefined) return undefined
  if (typeof seal !== 'object' || seal === null) return refuseUnseen('seal', kindOf(seal), '{ keys: [key] }')
  for (const name of Object.keys(seal)) {
    if (!NAMES.includes(name)) refuseUnseen(`seal.${name}`, 'given', `one of ${NAMES.join(', ')}`)
  }
  const { keys, acceptUnsealed = false } = seal
  if (!Array.isArray(keys) || keys.length === 0) {
    return refuseUnseen('seal.keys', kindOf(keys), `an array of keys, the newest first, each ${HOW}`)
  }
  if (typeof acceptUnsealed !== 'boolean') {
    return refuseUnseen('seal.acceptUnsealed', kindOf(acceptUnsealed), 'true or false')
  }
  const secrets = keys.map((key: unknown, index) => secretOf(`seal.keys[${index}]`, key))
  for (const [index, secret] of secrets.entries()) {
    const first = secrets.findIndex((other) => other.equals(secret))
    if (first !== index)
      refuseUnseen(`seal.keys[${index}]`, `the same as seal.keys[${first}]`, 'each key once')
  }
  return { keys: secrets.map(derive), acceptUnsealed }
}

function secretOf(option: string, key: unknown): Buffer {
  const fits = typeof key === 'string' || key instanceof Uint8Array
  if (!fits || key.length < SHORTEST) return refuseUnseen(option, kindOf(key), HOW)
  if (typeof key !== 'string') return Buffer.from(key)
  if (key !== key.trim())
    return refuseUnseen(option, 'a string with white space at an end', 'a string without, or bytes')
  if (NOTATION.test(key))
    return refuseUnseen(option, 'a string that begins with base64: or hex:', 'the bytes that it stands for')
  return Buffer.from(key, 'utf8')
}

function derive(secret: Buffer): SealKey {
  const bytes = (info: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', info, length))
  return { id: bytes(ID_INFO, ID_BYTES).readUInt32LE(), key: new Uint8Array(bytes(KEY_INFO, KEY_BYTES)) }
}
