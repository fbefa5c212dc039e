import { Opcode } from './opcodes.js'
import {
  BATCH_HEADER,
  keyBytesOf,
  longestSlot,
  OWN_WRITE_ID,
  SLOT_HEADER,
  type SlotContent,
  slotLength,
  WIDE_KEY,
} from './request.js'
import { copySlot, type SlotMemory } from './slot-memory.js'

/** Bytes that a writer grows by at a time, at the most. */
const LARGEST_STEP = 8 * 1024

/** Grows by slots; the writing half of the batch format. Offsets are those that `append` gave: a whole slot is at each. */
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
  append(content: SlotContent, opcode: Opcode = content.opcode): number {
    const offset = this.#used
    const payloadBytes = content.payload?.length ?? 0
    const longest = longestSlot(content.key.length, payloadBytes)
    if (offset + longest > this.#bytes.length) this.#grow(offset + longest)
    const keyBytes = this.#writeKey(content.key, offset + SLOT_HEADER + payloadBytes)
    const length = slotLength(keyBytes, payloadBytes, content.expected?.length)
    this.#write(offset, length, content, keyBytes, opcode)
    this.#used += length
    this.#slots++
    return offset
  }

  /** Appends a slot of another writer as it is; returns its offset. */
  copy(from: RequestWriter, offset: number): number {
    const length = from.length(offset)
    const copied = this.#used
    if (copied + length > this.#bytes.length) this.#grow(copied + length)
    from.copyTo({ bytes: this.#bytes, words: this.#words }, copied, offset)
    this.#used += length
    this.#slots++
    return copied
  }

  /** Writes over a slot of the same key; false when the new content does not fit into it. */
  replace(offset: number, content: SlotContent, opcode: Opcode = content.opcode): boolean {
    const length = this.length(offset)
    const keyBytes = keyBytesOf(content.key)
    const payloadBytes = content.payload?.length ?? 0
    if (slotLength(keyBytes, payloadBytes) > length) return false
    this.#writeKey(content.key, offset + SLOT_HEADER + payloadBytes)
    this.#write(offset, length, content, keyBytes, opcode)
    return true
  }

  /** Marks a slot as replaced: the storage skips it. */
  void(offset: number): void {
    this.#bytes[offset + 4] = Opcode.VOID
  }

  /** Bytes of a slot. */
  length(offset: number): number {
    return this.#words[offset >>> 2] as number
  }

  /** Copies a slot to other memory. */
  copyTo(to: SlotMemory, at: number, offset: number): void {
    copySlot({ bytes: this.#bytes, words: this.#words }, offset, this.length(offset), to, at)
  }

  /** The expiry in a slot. */
  expiry(offset: number): number {
    return this.#doubles[(offset + 16) >>> 3] as number
  }

  /** The payload of a slot, not copied. */
  payload(offset: number): Uint8Array {
    const length = this.#words[(offset >>> 2) + 2] as number
    const start = offset + SLOT_HEADER
    return this.#bytes.subarray(start, start + length)
  }

  /** The same for one slot alone, its write id unchanged. */
  slotToWire(offset: number, slot: number, attempt: number, nonce: readonly [number, number]): ArrayBuffer {
    const length = this.length(offset)
    const wire = new ArrayBuffer(BATCH_HEADER + length)
    new Uint32Array(wire, 0, 4).set([1, attempt, nonce[0] + slot, nonce[1]])
    new Uint8Array(wire, BATCH_HEADER).set(this.#bytes.subarray(offset, offset + length))
    return wire
  }

  /**
   * An ArrayBuffer to hand over: `spare`, if the batch fits into it, else a new one. This writer keeps its own bytes
   * for a second attempt.
   *
   * @param age milliseconds that whoever came last has waited
   */
  toWire(
    attempt: number,
    nonce: readonly [low: number, high: number],
    spare?: ArrayBuffer,
    age = 0,
  ): ArrayBuffer {
    this.#words[0] = this.#slots
    this.#words[1] = attempt
    this.#words[2] = nonce[0]
    this.#words[3] = nonce[1]
    this.#words[4] = age
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

  /** Everything but the key. */
  #write(offset: number, length: number, content: SlotContent, keyBytes: number, opcode: Opcode): void {
    const { key, payload } = content
    const payloadLength = payload?.length ?? 0
    const wide = keyBytes > key.length
    const word = offset >>> 2
    const words = this.#words
    words[word] = length
    const flags = (wide ? WIDE_KEY : 0) | (content.writeId === undefined ? 0 : OWN_WRITE_ID)
    words[word + 1] = opcode | (flags << 8) | (keyBytes << 16)
    words[word + 2] = payloadLength
    words[word + 3] = content.hash
    this.#doubles[(offset + 16) >>> 3] = content.expiry
    words[word + 6] = content.codec
    words[word + 7] = content.writeId?.[0] ?? 0
    words[word + 8] = content.writeId?.[1] ?? 0
    const payloadAt = offset + SLOT_HEADER
    if (payload !== undefined) this.#bytes.set(payload, payloadAt)
    if (content.expected !== undefined)
      this.#bytes.set(content.expected, payloadAt + payloadLength + keyBytes)
  }

  /**
   * Writes a key, and returns how many bytes it takes. A loop is faster than `Buffer.write` for keys of the usual 32
   * characters, and one look at each tells whether all of them were narrow.
   */
  #writeKey(key: string, at: number): number {
    const bytes = this.#bytes
    let all = 0
    for (let index = 0; index < key.length; index++) {
      const unit = key.charCodeAt(index)
      bytes[at + index] = unit
      all |= unit
    }
    if (all <= 0xff) return key.length
    bytes.write(key, at, 'utf16le')
    return key.length * 2
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
