import { carriesPayload, Opcode } from './opcodes.js'
import { DIGEST_BYTES, DIGESTED_KEY, type KeyDigest, OWN_WRITE_ID, SLOT_HEADER, WIDE_KEY } from './request.js'
import type { SlotMemory } from './slot-memory.js'

/** A slot where it lies: what a reader shows, without a copy. */
export interface SlotView extends SlotMemory {
  readonly opcode: Opcode
  readonly hash: number
  /** Milliseconds since the epoch; 0 where the opcode has none. */
  readonly expiry: number
  /** Where it begins. */
  readonly offset: number
  /** Its bytes, all in all. */
  readonly length: number
}

/** Walks through slots that lie one behind the other in one buffer. The fields describe the current slot. */
export class SlotReader implements SlotView {
  readonly bytes: Buffer
  /** The same memory, as are `words` and `doubles`. */
  readonly view: DataView
  readonly words: Uint32Array
  readonly #doubles: Float64Array
  /** How many there are. */
  slots = 0
  #next = 0

  /** The current slot's ordinal; -1 before the first `next()`. */
  index = -1
  opcode: Opcode = Opcode.VOID
  hash = 0
  expiry = 0
  codec = 0
  offset = 0
  payloadStart = 0
  payloadLength = 0
  #keyLength = 0
  #flags = 0

  /** @param buffer Slots lie in it at multiples of eight. */
  constructor(buffer: ArrayBuffer) {
    this.bytes = Buffer.from(buffer)
    this.view = new DataView(buffer)
    this.words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2)
    this.#doubles = new Float64Array(buffer, 0, buffer.byteLength >>> 3)
  }

  /** Begins with the slot at `offset`, and ends after so many. */
  start(offset: number, slots: number): void {
    this.#next = offset
    this.slots = slots
    this.index = -1
  }

  /** Goes to the next slot; false past the last. Replaced slots are shown as `VOID`. */
  next(): boolean {
    if (this.index + 1 >= this.slots) return false
    this.index++
    const offset = this.#next
    const word = offset >>> 2
    const { words } = this
    const packed = words[word + 1] ?? 0
    this.offset = offset
    this.#next = offset + (words[word] ?? 0)
    this.opcode = (packed & 0xff) as Opcode
    this.#flags = (packed >>> 8) & 0xff
    this.#keyLength = packed >>> 16
    this.payloadLength = carriesPayload(this.opcode) ? (words[word + 2] ?? 0) : 0
    this.hash = (words[word + 3] ?? 0) | 0
    this.expiry = this.#doubles[(offset + 16) >>> 3] ?? 0
    this.codec = words[word + 6] ?? 0
    this.payloadStart = offset + SLOT_HEADER
    return true
  }

  get length(): number {
    return this.#next - this.offset
  }

  /**
   * The current slot's key.
   * @throws {RangeError} when only its digest is known
   */
  key(): string {
    if ((this.#flags & DIGESTED_KEY) !== 0) throw new RangeError('only the digest of this key is known')
    const start = this.#keyStart
    const end = start + this.#keyLength
    const wide = (this.#flags & WIDE_KEY) !== 0
    return wide ? this.bytes.toString('utf16le', start, end) : this.bytes.toString('latin1', start, end)
  }

  /** What is known of the current slot's key where that is only its digest; `undefined` where the key is there. */
  keyDigest(): KeyDigest | undefined {
    if ((this.#flags & DIGESTED_KEY) === 0) return undefined
    const start = this.#keyStart
    return {
      digest: this.bytes.subarray(start, start + this.#keyLength),
      length: this.words[(this.offset >>> 2) + 9] ?? 0,
    }
  }

  /** The digest of the payload that a `REPLACE` is to replace, where it lies. */
  expected(): Buffer {
    const start = this.payloadStart + this.payloadLength + this.#keyLength
    return this.bytes.subarray(start, start + DIGEST_BYTES)
  }

  get #keyStart(): number {
    // Behind the payload, or what a slot once had of one.
    return this.payloadStart + (this.words[(this.offset >>> 2) + 2] ?? 0)
  }

  /** The write id that the current slot brings along, if it does. */
  protected get ownWriteId(): readonly [low: number, high: number] | undefined {
    if ((this.#flags & OWN_WRITE_ID) === 0) return undefined
    const word = this.offset >>> 2
    return [this.words[word + 7] ?? 0, this.words[word + 8] ?? 0]
  }
}
