import { createHash } from 'node:crypto'

const MODULUS = 2n ** 128n
const DIGITS = 32

/**
 * A sum over sessions, whatever their order: of 128 bits of each one's SHA-256, over its key, its expiry and its bytes. Two
 * stores with the same count and the same sum hold the same sessions.
 */
export class Checksum {
  #sum = 0n
  #count = 0

  /** Sessions counted in. */
  get count(): number {
    return this.#count
  }

  /** Counts a session in. */
  add(key: string, expires: Date, bytes: Uint8Array): void {
    // With lengths in front, no two sessions are the same row of bytes.
    const head = `${key.length} ${expires.getTime()} ${bytes.length} `
    const digest = createHash('sha256')
      .update(head)
      .update(Buffer.from(key, 'utf16le'))
      .update(bytes)
      .digest('hex')
    this.#sum = (this.#sum + BigInt(`0x${digest.slice(0, DIGITS)}`)) % MODULUS
    this.#count++
  }

  /** 32 hexadecimal digits. */
  toString(): string {
    return this.#sum.toString(16).padStart(DIGITS, '0')
  }
}
