import type { Opcode } from './opcodes.js'

/*
 * A batch on the wire: one ArrayBuffer, little-endian, every slot aligned to eight bytes.
 *
 *   0  u32 slots        4  u32 attempt (0 = first)      8  u32 nonce, low     12 u32 nonce, high
 *  16  u32 age: milliseconds that the operation which came last has waited   20 u32 0 (3 times)
 *   then per slot:
 *   0  u32 slot length  4  u8 opcode, u8 flags, u16 key bytes   8  u32 payload bytes   12 u32 key hash
 *  16  f64 expiry (ms)  24 u32 codec                   28 u32 write id, low   32 u32 write id, high  36 u32 0, or see below
 *  40  payload, then the key, then, for `REPLACE`, the 16 bytes of the digest that the stored payload has to have
 *
 * Once a storage has read a header it may write one of its own over it: so a record is whole, in front of its payload,
 * without a copy, and a batch is a frame of the journal.
 *
 * Keys travel as latin1 when every code unit fits, else as UTF-16, so that lone surrogates stay distinct. A journal under
 * hashed names has the SHA-256 digest of a key in its place, and at 36 the number of code units that the key had.
 */

/** Bytes in front of the first slot; the journal needs as many for a frame. */
export const BATCH_HEADER = 32
/** Bytes of a slot in front of its payload. */
export const SLOT_HEADER = 40

/** Bytes of the digest of a payload that a `REPLACE` brings along behind its key. */
export const DIGEST_BYTES = 16

/** Flag of a slot whose key travels as UTF-16. */
export const WIDE_KEY = 1
/** Flag of a slot that brings its write id along, instead of taking it from batch and ordinal. */
export const OWN_WRITE_ID = 2
/** Flag of a slot that has the digest of a key in the key's place. No key can look like one: none has this flag. */
export const DIGESTED_KEY = 4

/** Bytes of the digest of a key. */
export const KEY_DIGEST_BYTES = 32

/** A key of which nothing else is known. */
export interface KeyDigest {
  /** {@link KEY_DIGEST_BYTES} bytes. */
  readonly digest: Uint8Array
  /** How many UTF-16 code units the key has. */
  readonly length: number
}

/** One slot to be written. Payload may be absent where the opcode carries none. */
export interface SlotContent {
  readonly opcode: Opcode
  readonly key: string
  readonly hash: number
  /** Milliseconds since the epoch; 0 where the opcode has none. */
  readonly expiry: number
  readonly codec: number
  readonly payload: Uint8Array | undefined
  /** Where the slot is about a record that has one already: `SET_ASIDE`, checkpoints. */
  readonly writeId?: readonly [low: number, high: number]
  /** `REPLACE`: the digest of the payload that is to be replaced; see {@link payloadDigest}. */
  readonly expected?: Uint8Array | undefined
}

/** The bytes that a key takes up: one for each code unit when all are latin1, else two. */
export function keyBytesOf(key: string): number {
  for (let index = 0; index < key.length; index++) {
    if (key.charCodeAt(index) > 0xff) return key.length * 2
  }
  return key.length
}

/** The bytes that a slot takes up, alignment included. */
export function slotLength(keyBytes: number, payloadBytes: number, digestBytes = 0): number {
  return (SLOT_HEADER + payloadBytes + keyBytes + digestBytes + 7) & ~7
}

/** The most that a slot with a key of so many code units can take up: no look at the key. */
export function longestSlot(keyLength: number, payloadBytes: number): number {
  return slotLength(keyLength * 2, payloadBytes, DIGEST_BYTES)
}

/** How much a journal holds; travels with every answer of its worker. */
export interface JournalGauge {
  /** KiB of memory that hold what is not in files yet. */
  readonly memory: number
  /** KiB of the journal on disk. */
  readonly disk: number
  /** Microseconds that the last append took, with its sync, if there was one. */
  readonly append: number
}

/**
 * Marks a batch's own buffer as the answer "every slot is done", so that it can travel back and be filled again: a
 * batch then allocates nothing that the garbage collector would have to find. A batch has slots; this has none.
 */
export function markAllDone(wire: ArrayBuffer, gauge: JournalGauge = NO_JOURNAL): void {
  const words = new Uint32Array(wire, 0, 4)
  words[0] = 0
  words[1] = gauge.memory
  words[2] = gauge.disk
  words[3] = gauge.append
}

const NO_JOURNAL: JournalGauge = { memory: 0, disk: 0, append: 0 }

/** Whether an answer is such a buffer. */
export function isAllDone(answer: ArrayBuffer): boolean {
  return new Uint32Array(answer, 0, 1)[0] === 0
}
