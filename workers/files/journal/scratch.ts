/** What is kept when it is not needed any more: enough for nearly every batch. */
const MOST_KEPT = 2 ** 20

/** Memory for bytes that are needed for a moment, again and again: a batch leaves nothing for the garbage collector. */
export class Scratch {
  #bytes = Buffer.from(new ArrayBuffer(2 ** 12))

  /** At least so many bytes, from the beginning of their ArrayBuffer on; good until the next call. */
  take(length: number): Buffer<ArrayBuffer> {
    if (length <= this.#bytes.length) return this.#bytes
    const larger = Buffer.from(new ArrayBuffer(Math.max(length, Math.min(MOST_KEPT, this.#bytes.length * 2))))
    if (larger.length <= MOST_KEPT) this.#bytes = larger
    return larger
  }
}
