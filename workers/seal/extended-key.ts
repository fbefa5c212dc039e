import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'

/*
 * XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM whose nonces have 24 bytes, so that random ones never meet,
 * however many records one key seals; with the 12 bytes of plain GCM they may, after some 2^32. The first half of the
 * nonce chooses a key of its own, derived by CMAC; the second half is the nonce under that key.
 */

/** Bytes of an AES-256 key. */
export const KEY_BYTES = 32
/** Bytes of a nonce. */
export const NONCE_BYTES = 24
/** Bytes of the first half of a nonce, which chooses the derived key. */
export const NONCE_PREFIX_BYTES = 12

const BLOCK = 16
/** Derived keys that are kept: one for each worker whose records are read, about. */
const MOST_DERIVED = 256

/** A key for nonces of 24 bytes. */
export class ExtendedKey {
  readonly #key: KeyObject
  readonly #subkey: Buffer
  /** The oldest first: Maps keep the order of insertion. */
  readonly #derived = new Map<string, KeyObject>()

  /** @param key {@link KEY_BYTES} bytes */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`)
    this.#key = createSecretKey(key)
    this.#subkey = doubled(this.#encryptBlock(Buffer.alloc(BLOCK)))
  }

  /** The key of AES-256-GCM for nonces that begin with these {@link NONCE_PREFIX_BYTES} bytes. */
  derived(prefix: Buffer): KeyObject {
    const name = prefix.toString('latin1')
    const known = this.#derived.get(name)
    if (known !== undefined) return known
    const key = createSecretKey(Buffer.concat([this.#half(1, prefix), this.#half(2, prefix)]))
    if (this.#derived.size >= MOST_DERIVED) {
      for (const oldest of this.#derived.keys()) {
        this.#derived.delete(oldest)
        break
      }
    }
    this.#derived.set(name, key)
    return key
  }

  /** CMAC of a message of one block. */
  #half(counter: number, prefix: Buffer): Buffer {
    const block = Buffer.from([0, counter, 0x58, 0, ...prefix])
    for (let index = 0; index < BLOCK; index++) block[index] = at(block, index) ^ at(this.#subkey, index)
    return this.#encryptBlock(block)
  }

  #encryptBlock(block: Buffer): Buffer {
    return createCipheriv('aes-256-ecb', this.#key, null).setAutoPadding(false).update(block)
  }
}

/** Times x in GF(2^128), as CMAC derives its subkey. */
function doubled(block: Buffer): Buffer {
  const result = Buffer.alloc(BLOCK)
  for (let index = 0; index < BLOCK; index++) {
    result[index] = (at(block, index) << 1) | (at(block, index + 1) >> 7)
  }
  if (at(block, 0) >= 0x80) result[BLOCK - 1] = at(result, BLOCK - 1) ^ 0x87
  return result
}

function at(block: Buffer, index: number): number {
  return block[index] ?? 0
}
