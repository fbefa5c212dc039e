import { BATCH_HEADER } from './request.js'
import { SlotReader } from './slot-reader.js'

/** Walks a batch slot by slot; the reading half of the batch format. */
export class RequestReader extends SlotReader {
  /** 0 for the first try; above it an earlier worker died with this batch in its hands. */
  readonly attempt: number
  /** Milliseconds that the operation which came last had waited before it was handed over. */
  readonly age: number
  readonly #nonceLow: number
  readonly #nonceHigh: number

  constructor(wire: ArrayBuffer) {
    super(wire)
    this.attempt = this.words[1] ?? 0
    this.#nonceLow = this.words[2] ?? 0
    this.#nonceHigh = this.words[3] ?? 0
    this.age = this.words[4] ?? 0
    this.start(BATCH_HEADER, this.words[0] ?? 0)
  }

  /**
   * The current slot's write id: unique to this slot of this batch, the same again on a second attempt. Where the slot
   * brings one along it is that of the record that is meant.
   */
  get writeId(): readonly [low: number, high: number] {
    return this.ownWriteId ?? [(this.#nonceLow + this.index) >>> 0, this.#nonceHigh]
  }
}
