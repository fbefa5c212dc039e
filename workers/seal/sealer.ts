import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto'
import { ExtendedKey, NONCE_BYTES, NONCE_PREFIX_BYTES } from './extended-key.js'

/*
 * What is sealed, little-endian:
 *
 *   0  u32 id of the key      4  nonce, 24 bytes      28  the encrypted bytes, as many as there were      then the tag, 16 bytes
 */

/** A key that seals and opens, derived on the main thread from what the user has given. */
export interface SealKey {
  /** Stands in what is sealed, and tells which key opens it. */
  readonly id: number
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** What workers are given of the `seal` option; survives a structured clone. */
export interface SealBinding {
  /** The first one seals; all of them open. */
  readonly keys: readonly SealKey[]
  /** Whether what is not sealed is read, too: for a directory that has sessions from before it was. */
  readonly acceptUnsealed: boolean
}

/** Bytes at the beginning of what is sealed that tell the key. */
export const KEY_ID_BYTES = 4
const NONCE_OFFSET = KEY_ID_BYTES
const TAG_BYTES = 16
const TEXT_OFFSET = NONCE_OFFSET + NONCE_BYTES
/** Bytes that sealing adds. */
export const SEAL_BYTES = TEXT_OFFSET + TAG_BYTES

/** Why something sealed does not open: its key is not among ours, or it is not what that key has sealed. */
export type SealRefusal = 'unknown key' | 'tampered'

/** Nonces with the same first half, at the most: random second halves of so few do not meet. */
const PREFIX_USES = 2 ** 24
/** Second halves of nonces that are drawn at once. */
const DRAWN = 256
const DRAW_BYTES = NONCE_BYTES - NONCE_PREFIX_BYTES

interface OpenedKey {
  readonly id: number
  readonly extended: ExtendedKey
}

/** Seals and opens bytes by XAES-256-GCM; one for each worker. */
export class Sealer {
  readonly #keys: readonly OpenedKey[]
  readonly #current: OpenedKey
  readonly #prefix = Buffer.alloc(NONCE_PREFIX_BYTES)
  #prefixUses = PREFIX_USES
  readonly #drawn = Buffer.alloc(DRAWN * DRAW_BYTES)
  #draws = DRAWN

  constructor(keys: readonly SealKey[]) {
    this.#keys = keys.map(({ id, key }) => ({ id, extended: new ExtendedKey(key) }))
    const [current] = this.#keys
    if (current === undefined) throw new RangeError('a seal needs a key')
    this.#current = current
  }

  /** The id of the key that seals. */
  get currentId(): number {
    return this.#current.id
  }

  /** How long so many bytes are when they are sealed. */
  static sealedLength(length: number): number {
    return length + SEAL_BYTES
  }

  /**
   * Seals bytes into `target` at `offset`, {@link SEAL_BYTES} more than they are, under a nonce that was never used. They
   * open only with the same associated data.
   */
  sealInto(target: Buffer, offset: number, plain: Uint8Array, associated: Uint8Array): void {
    const { id, extended } = this.#current
    const nonce = target.subarray(offset + NONCE_OFFSET, offset + TEXT_OFFSET)
    this.#drawNonce(nonce)
    const key = extended.derived(nonce.subarray(0, NONCE_PREFIX_BYTES))
    const cipher = createCipheriv('aes-256-gcm', key, nonce.subarray(NONCE_PREFIX_BYTES))
    cipher.setAAD(associated)
    target.writeUInt32LE(id, offset)
    const text = cipher.update(plain)
    cipher.final()
    target.set(text, offset + TEXT_OFFSET)
    target.set(cipher.getAuthTag(), offset + TEXT_OFFSET + plain.length)
  }

  /** The same into memory of its own. */
  seal(plain: Uint8Array, associated: Uint8Array): Buffer {
    const sealed = Buffer.allocUnsafe(Sealer.sealedLength(plain.length))
    this.sealInto(sealed, 0, plain, associated)
    return sealed
  }

  /** What was sealed with the same associated data, in memory of its own; else why there is nothing to be had. */
  open(sealed: Buffer, associated: Uint8Array): Buffer | SealRefusal {
    if (sealed.length < SEAL_BYTES) return 'tampered'
    const id = keyIdOf(sealed)
    let refusal: SealRefusal = 'unknown key'
    for (const { id: known, extended } of this.#keys) {
      if (known !== id) continue
      const opened = openWith(extended, sealed, associated)
      if (opened !== undefined) return opened
      refusal = 'tampered'
    }
    return refusal
  }

  #drawNonce(nonce: Buffer): void {
    if (this.#prefixUses++ === PREFIX_USES) {
      this.#prefixUses = 1
      randomFillSync(this.#prefix)
    }
    if (this.#draws === DRAWN) {
      this.#draws = 0
      randomFillSync(this.#drawn)
    }
    nonce.set(this.#prefix)
    const at = this.#draws++ * DRAW_BYTES
    nonce.set(this.#drawn.subarray(at, at + DRAW_BYTES), NONCE_PREFIX_BYTES)
  }
}

/** The id of the key that something was sealed with. */
export function sealedWith(sealed: Buffer): number | undefined {
  return sealed.length < SEAL_BYTES ? undefined : keyIdOf(sealed)
}

/** The same, of no more than the beginning of it. */
export function keyIdOf(beginning: Buffer): number | undefined {
  return beginning.length < KEY_ID_BYTES ? undefined : beginning.readUInt32LE(0)
}

function openWith(extended: ExtendedKey, sealed: Buffer, associated: Uint8Array): Buffer | undefined {
  const nonce = sealed.subarray(NONCE_OFFSET, TEXT_OFFSET)
  const key = extended.derived(nonce.subarray(0, NONCE_PREFIX_BYTES))
  const decipher = createDecipheriv('aes-256-gcm', key, nonce.subarray(NONCE_PREFIX_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(associated)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const plain = decipher.update(sealed.subarray(TEXT_OFFSET, sealed.length - TAG_BYTES))
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}
