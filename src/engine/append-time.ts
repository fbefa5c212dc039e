/** Microseconds above which appends count as long, and below which they do not any more. */
const LONG = 1_000
const SHORT = 600
/** One append counts for so much of what is known of them. */
const WEIGHT = 1 / 8

/** How long a journal's appends take at present: a disk that syncs slowly is best met with few and large ones. */
export class AppendTime {
  #microseconds = 0
  #isLong = false
  #last = 0

  /** Whether an append takes longer than the event loop needs to prepare one. */
  get isLong(): boolean {
    return this.#isLong
  }

  /** The last append took so many microseconds; said again by every answer until the next one, which counts for nothing. */
  note(microseconds: number): void {
    if (microseconds === this.#last) return
    this.#last = microseconds
    this.#microseconds += (microseconds - this.#microseconds) * WEIGHT
    this.#isLong = this.#microseconds > (this.#isLong ? SHORT : LONG)
  }
}
