import { carriesPayload, Opcode } from './opcodes.js'

/*
 * A batch on the wire: one ArrayBuffer, little-endian, every slot aligned to eight bytes.
 *
 *   0  u32 slots        4  u32 attempt (0 = first)      8  u32 nonce, low     12 u32 nonce, high
 *   then per slot:
 *   0  u32 slot length  4  u8 opcode, u8 flags, u16 key bytes   8  u32 payload bytes   12 u32 key hash
 *  16  f64 expiry (ms)  24 u32 codec                   28 u32 write id, low   32 u32 write id, high  36 u32 0
 *  40  payload, then the key
 *
 * Once a storage has read a slot's header it may write a header of its own over it: so a record is whole, in front of
 * its payload, without a copy.
 *
 * Keys travel as latin1 when every code unit fits, else as UTF-16, so that lone surrogates stay distinct.
 */

/** Bytes in front of the first slot. */
export const BATCH_HEADER = 16
/** Bytes of a slot in front of its payload. */
export const SLOT_HEADER = 40

const WIDE_KEY = 1
/** Bytes that a writer grows by at a time, at the most. */
const LARGEST_STEP = 8 * 1024

/** One slot to be written. Payload may be absent where the opcode carries none. */
export interface SlotContent {
  readonly opcode: Opcode
  readonly key: string
  readonly hash: number
  /** Milliseconds since the epoch; 0 where the opcode has none. */
  readonly expiry: number
  readonly codec: number
  readonly payload: Uint8Array | undefined
  /** `SET_ASIDE` only: the record's write id, as the load reported it. */
  readonly writeId?: readonly [low: number, high: number]
}

function isWide(key: string): boolean {
  for (let index = 0; index < key.length; index++) {
    if (key.charCodeAt(index) > 0xff) return true
  }
  return false
}

/** The bytes that a slot takes up, alignment included. */
export function slotLength(key: string, payloadLength: number): number {
  return (SLOT_HEADER + payloadLength + (isWide(key) ? key.length * 2 : key.length) + 7) & ~7
}

/** The most that a slot with a key of so many code units can take up: no look at the key. */
export function longestSlot(keyLength: number, payloadLength: number): number {
  return (SLOT_HEADER + payloadLength + keyLength * 2 + 7) & ~7
}

/** Grows by slots; the writing half of the batch format. */
export class RequestWriter {
  #bytes: Buffer
  #words: Uint32Array
  #doubles: Float64Array
  #used = BATCH_HEADER
  #slots = 0

  constructor(capacity: number) {
    const buffer = new ArrayBuffer(Math.max(BATCH_HEADER, (capacity + 7) & ~7))
    this.#bytes = Buffer.from(buffer)
    this.#words = new Uint32Array(buffer)
    this.#doubles = new Float64Array(buffer)
  }

  /** Bytes that it holds without growing. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** Slots written, replaced ones included. */
  get slots(): number {
    return this.#slots
  }

  /** Bytes written. */
  get used(): number {
    return this.#used
  }

  /** Appends a slot; returns its offset. */
  append(content: SlotContent): number {
    const length = slotLength(content.key, content.payload?.length ?? 0)
    if (this.#used + length > this.#bytes.length) this.#grow(this.#used + length)
    const offset = this.#used
    this.#write(offset, length, content)
    this.#used += length
    this.#slots++
    return offset
  }

  /** Writes over a slot of the same key; false when the new content does not fit into it. */
  replace(offset: number, content: SlotContent): boolean {
    const length = this.#words[offset >>> 2] ?? 0
    if (slotLength(content.key, content.payload?.length ?? 0) > length) return false
    this.#write(offset, length, content)
    return true
  }

  /** Marks a slot as replaced: the storage skips it. */
  void(offset: number): void {
    this.#bytes[offset + 4] = Opcode.VOID
  }

  /** The expiry in a slot. */
  expiry(offset: number): number {
    return this.#doubles[(offset + 16) >>> 3] ?? 0
  }

  /** The payload of a slot, not copied. */
  payload(offset: number): Uint8Array {
    const length = this.#words[(offset >>> 2) + 2] ?? 0
    const start = offset + SLOT_HEADER
    return this.#bytes.subarray(start, start + length)
  }

  /** The same for one slot alone, its write id unchanged. */
  slotToWire(offset: number, slot: number, attempt: number, nonce: readonly [number, number]): ArrayBuffer {
    const length = this.#words[offset >>> 2] ?? 0
    const wire = new ArrayBuffer(BATCH_HEADER + length)
    new Uint32Array(wire, 0, 4).set([1, attempt, nonce[0] + slot, nonce[1]])
    new Uint8Array(wire, BATCH_HEADER).set(this.#bytes.subarray(offset, offset + length))
    return wire
  }

  /**
   * An ArrayBuffer to hand over: `spare`, if the batch fits into it, else a new one. This writer keeps its own bytes
   * for a second attempt.
   */
  toWire(attempt: number, nonce: readonly [low: number, high: number], spare?: ArrayBuffer): ArrayBuffer {
    this.#words[0] = this.#slots
    this.#words[1] = attempt
    this.#words[2] = nonce[0]
    this.#words[3] = nonce[1]
    if (spare === undefined || spare.byteLength < this.#used) {
      return this.#words.buffer.slice(0, this.#words.byteLength) as ArrayBuffer
    }
    new Uint8Array(spare).set(this.#bytes.subarray(0, this.#used))
    return spare
  }

  /** Forgets every slot and keeps the memory. */
  reset(): void {
    this.#used = BATCH_HEADER
    this.#slots = 0
  }

  #write(offset: number, length: number, content: SlotContent): void {
    const payloadLength = content.payload?.length ?? 0
    const wide = isWide(content.key)
    const keyLength = wide ? content.key.length * 2 : content.key.length
    const word = offset >>> 2
    const words = this.#words
    words[word] = length
    words[word + 1] = content.opcode | ((wide ? WIDE_KEY : 0) << 8) | (keyLength << 16)
    words[word + 2] = payloadLength
    words[word + 3] = content.hash
    this.#doubles[(offset + 16) >>> 3] = content.expiry
    words[word + 6] = content.codec
    words[word + 7] = content.writeId?.[0] ?? 0
    words[word + 8] = content.writeId?.[1] ?? 0
    const payloadAt = offset + SLOT_HEADER
    if (content.payload !== undefined) this.#bytes.set(content.payload, payloadAt)
    if (wide) this.#bytes.write(content.key, payloadAt + payloadLength, 'utf16le')
    else this.#bytes.write(content.key, payloadAt + payloadLength, 'latin1')
  }

  #grow(needed: number): void {
    // Doubled, but by no more than a step: what is pending must not wait in memory that is mostly empty.
    const larger = this.#bytes.length + Math.min(LARGEST_STEP, this.#bytes.length)
    const capacity = (Math.max(needed, larger) + 7) & ~7
    const buffer = new ArrayBuffer(capacity)
    const bytes = Buffer.from(buffer)
    bytes.set(this.#bytes.subarray(0, this.#used))
    this.#bytes = bytes
    this.#words = new Uint32Array(buffer)
    this.#doubles = new Float64Array(buffer)
  }
}

/** Walks a batch slot by slot; the reading half of the batch format. The fields describe the current slot. */
export class RequestReader {
  readonly slots: number
  /** 0 for the first try; above it an earlier worker died with this batch in its hands. */
  readonly attempt: number
  readonly bytes: Buffer
  readonly #words: Uint32Array
  readonly #doubles: Float64Array
  readonly #nonceLow: number
  readonly #nonceHigh: number
  #next = BATCH_HEADER

  /** The current slot's ordinal; -1 before the first `next()`. */
  index = -1
  opcode: Opcode = Opcode.VOID
  hash = 0
  expiry = 0
  codec = 0
  payloadStart = 0
  payloadLength = 0
  #keyLength = 0
  #wide = false
  #offset = 0

  constructor(wire: ArrayBuffer) {
    this.bytes = Buffer.from(wire)
    this.#words = new Uint32Array(wire)
    this.#doubles = new Float64Array(wire, 0, wire.byteLength >>> 3)
    this.slots = this.#words[0] ?? 0
    this.attempt = this.#words[1] ?? 0
    this.#nonceLow = this.#words[2] ?? 0
    this.#nonceHigh = this.#words[3] ?? 0
  }

  /** Goes to the next slot; false past the last. Replaced slots are shown as `VOID`. */
  next(): boolean {
    if (this.index + 1 >= this.slots) return false
    this.index++
    const offset = this.#next
    const word = offset >>> 2
    const words = this.#words
    const packed = words[word + 1] ?? 0
    this.#offset = offset
    this.#next = offset + (words[word] ?? 0)
    this.opcode = (packed & 0xff) as Opcode
    this.#wide = ((packed >>> 8) & WIDE_KEY) !== 0
    this.#keyLength = packed >>> 16
    this.payloadLength = carriesPayload(this.opcode) ? (words[word + 2] ?? 0) : 0
    this.hash = words[word + 3] ?? 0
    this.expiry = this.#doubles[(offset + 16) >>> 3] ?? 0
    this.codec = words[word + 6] ?? 0
    this.payloadStart = offset + SLOT_HEADER
    return true
  }

  /** The current slot's key. */
  key(): string {
    const start = this.payloadStart + (this.#words[(this.#offset >>> 2) + 2] ?? 0)
    const end = start + this.#keyLength
    return this.#wide ? this.bytes.toString('utf16le', start, end) : this.bytes.toString('latin1', start, end)
  }

  /**
   * The current slot's write id: unique to this slot of this batch, the same again on a second attempt. For
   * `SET_ASIDE` the write id of the record that is meant.
   */
  get writeId(): readonly [low: number, high: number] {
    const word = this.#offset >>> 2
    if (this.opcode === Opcode.SET_ASIDE) return [this.#words[word + 7] ?? 0, this.#words[word + 8] ?? 0]
    return [(this.#nonceLow + this.index) >>> 0, this.#nonceHigh]
  }
}

/**
 * Marks a batch's own buffer as the answer "every slot is done", so that it can travel back and be filled again: a
 * batch then allocates nothing that the garbage collector would have to find. A batch has slots; this has none.
 */
export function markAllDone(wire: ArrayBuffer): void {
  new Uint32Array(wire, 0, 1)[0] = 0
}

/** Whether an answer is such a buffer. */
export function isAllDone(answer: ArrayBuffer): boolean {
  return new Uint32Array(answer, 0, 1)[0] === 0
}
