/*
 * Connections that were lost with something unanswered on them, of all workers of an engine, in memory that they share:
 *
 *   0  i32 how many have been lost so far   4  i32 0
 *   then rows: i32 mark, i32 bytes of the text, the text
 *
 * A row's mark is 0 where it is free, odd while it is being written, else a number that no other text has had.
 */

const LOST = 0
const HEADER = 8
const ROWS = 128
const ROW_BYTES = 192
const TEXT = 8
const MARK_STEP = 2
/** Of the marks, past which they begin anew: rows are free by then. */
const LARGEST_MARK = 2 ** 30

/** Bytes of memory for {@link LostConnections}. */
export const LOST_CONNECTIONS_BYTES = HEADER + ROWS * ROW_BYTES

/** A lost connection, as its row has it. */
export interface LostConnection {
  /** What its worker wrote down. */
  readonly text: string
  readonly row: number
  readonly mark: number
}

/**
 * The lost connections of all workers. What was sent on one may be done by the server whenever it likes, until it has ended that
 * connection: so whoever sends next, in whichever thread, has it ended first.
 */
export class LostConnections {
  readonly #words: Int32Array
  readonly #bytes: Uint8Array

  /** @param offset of its bytes in the memory, a multiple of 4 */
  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#words = new Int32Array(memory, offset, LOST_CONNECTIONS_BYTES / Int32Array.BYTES_PER_ELEMENT)
    this.#bytes = new Uint8Array(memory, offset, LOST_CONNECTIONS_BYTES)
  }

  /** How many have been lost so far: while it is the same, there is nothing new. */
  get lost(): number {
    return Atomics.load(this.#words, LOST)
  }

  /** Writes one down. Where all rows are taken, by servers that never came back, the oldest makes room. */
  add(text: string): void {
    const number = Atomics.add(this.#words, LOST, 1)
    const bytes = Buffer.from(text, 'latin1').subarray(0, ROW_BYTES - TEXT)
    const row = this.#take(number % ROWS)
    this.#bytes.set(bytes, HEADER + row * ROW_BYTES + TEXT)
    Atomics.store(this.#words, wordOf(row) + 1, bytes.length)
    Atomics.store(this.#words, wordOf(row), ((number % LARGEST_MARK) + 1) * MARK_STEP)
    // Once more: whoever has looked since it was counted has not found it.
    Atomics.add(this.#words, LOST, 1)
  }

  /** Those that are written down and begin so. */
  beginningWith(start: string): LostConnection[] {
    const found: LostConnection[] = []
    for (let row = 0; row < ROWS; row++) {
      const mark = Atomics.load(this.#words, wordOf(row))
      if (mark === 0 || mark % MARK_STEP !== 0) continue
      const at = HEADER + row * ROW_BYTES + TEXT
      const length = Atomics.load(this.#words, wordOf(row) + 1)
      const text = Buffer.from(this.#bytes.slice(at, at + length)).toString('latin1')
      // Another one by now: that is told by the count.
      if (Atomics.load(this.#words, wordOf(row)) !== mark) continue
      if (text.startsWith(start)) found.push({ text, row, mark })
    }
    return found
  }

  /** Its server has ended it. */
  remove({ row, mark }: LostConnection): void {
    Atomics.compareExchange(this.#words, wordOf(row), mark, 0)
  }

  /** A free row from here on, or this one. */
  #take(from: number): number {
    for (let step = 0; step < ROWS; step++) {
      const row = (from + step) % ROWS
      if (Atomics.compareExchange(this.#words, wordOf(row), 0, 1) === 0) return row
    }
    Atomics.store(this.#words, wordOf(from), 1)
    return from
  }
}

function wordOf(row: number): number {
  return (HEADER + row * ROW_BYTES) / Int32Array.BYTES_PER_ELEMENT
}
