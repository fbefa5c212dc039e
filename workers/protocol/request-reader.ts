import { carriesPayload, Opcode } from './opcodes.js'
import { BATCH_HEADER, SLOT_HEADER, WIDE_KEY } from './request.js'

/** Walks a batch slot by slot; the reading half of the batch format. The fields describe the current slot. */
export class RequestReader {
  readonly slots: number
  /** 0 for the first try; above it an earlier worker died with this batch in its hands. */
  readonly attempt: number
  readonly bytes: Buffer
  /** The same bytes. */
  readonly view: DataView
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
    this.view = new DataView(wire)
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
    this.hash = (words[word + 3] ?? 0) | 0
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
