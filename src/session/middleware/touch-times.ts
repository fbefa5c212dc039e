/** Sessions that are remembered. One that is forgotten is touched once too often. */
const MOST = 100_000

/**
 * When sessions that were stored or touched are due for the next touch: in memory, since to remember it in the session
 * would be the very write that it is to spare.
 */
export class TouchTimes {
  readonly #most: number
  /** Milliseconds, by key; those noted last are at the end. */
  readonly #due = new Map<string, number>()

  constructor(most: number = MOST) {
    this.#most = most
  }

  /** Whether so much time has passed as was noted; true where nothing was. */
  isDue(key: string, now: number = performance.now()): boolean {
    return now >= (this.#due.get(key) ?? 0)
  }

  /** It was stored or touched now, which is enough for so many seconds. */
  note(key: string, seconds: number, now: number = performance.now()): void {
    this.#due.delete(key)
    this.#due.set(key, now + seconds * 1000)
    if (this.#due.size <= this.#most) return
    const oldest = this.#due.keys().next()
    if (oldest.done !== true) this.#due.delete(oldest.value)
  }
}
