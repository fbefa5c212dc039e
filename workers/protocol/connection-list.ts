/*
 * The connections of all workers of an engine, in memory that they share:
 *
 *   0  i32 counts what has been lost   4  i32 counts rows that were written
 *   then rows: i32 mark, i32 lost or not, i32 pool, i32 thread, i32 bytes of the text, i32 0, the text
 *
 * A row's mark is 0 where it is free, odd while it is being written, else a number that no other text has had.
 */

const LOSSES = 0
const WRITTEN = 1
const HEADER = 8
const ROWS = 1024
const ROW_BYTES = 192
const MARK = 0
const IS_LOST = 1
const POOL = 2
const THREAD = 3
const LENGTH = 4
const TEXT = 24
const MARK_STEP = 2
/** Of the marks, past which they begin anew: rows are free by then. */
const LARGEST_MARK = 2 ** 30

/** Bytes of memory for a {@link ConnectionList}. */
export const CONNECTION_LIST_BYTES = HEADER + ROWS * ROW_BYTES

/** A thread, and the pool that it is of. */
export interface ConnectionOwner {
  readonly pool: number
  readonly thread: number
}

/** A connection in the list. */
export interface ListedConnection {
  /** What its worker wrote down. */
  readonly text: string
  readonly row: number
  readonly mark: number
}

/**
 * The connections of all workers. What was sent on one that is lost may be done by the server whenever it likes, until it has ended
 * that connection: so whoever sends next, in whichever thread, has it ended first. Those of a thread that died are lost with it.
 */
export class ConnectionList {
  readonly #words: Int32Array
  readonly #bytes: Uint8Array

  /** @param offset of its bytes in the memory, a multiple of 4 */
  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#words = new Int32Array(memory, offset, CONNECTION_LIST_BYTES / Int32Array.BYTES_PER_ELEMENT)
    this.#bytes = new Uint8Array(memory, offset, CONNECTION_LIST_BYTES)
  }

  /** Grows with each loss: while it is the same, nothing was lost. */
  get losses(): number {
    return Atomics.load(this.#words, LOSSES)
  }

  /** Writes an open one down. Where all rows are taken, as by servers that never came back, the oldest makes room. */
  add(text: string, owner: ConnectionOwner): ListedConnection {
    return this.#write(text, owner, false)
  }

  /** One that is open no more, and something unanswered was on it. */
  lose(connection: ListedConnection, owner: ConnectionOwner): void {
    const { row, mark, text } = connection
    const at = wordOf(row)
    if (Atomics.load(this.#words, at + MARK) === mark) Atomics.store(this.#words, at + IS_LOST, 1)
    // It had to make room.
    else this.#write(text, owner, true)
    Atomics.add(this.#words, LOSSES, 1)
  }

  /** All of the pool's that are of threads which are no more. */
  loseOthers(pool: number, living: ReadonlySet<number>): void {
    for (let row = 0; row < ROWS; row++) {
      const at = wordOf(row)
      const isOwn = Atomics.load(this.#words, at + POOL) === pool
      if (!isOwn || this.#isFree(row) || living.has(Atomics.load(this.#words, at + THREAD))) continue
      if (Atomics.exchange(this.#words, at + IS_LOST, 1) === 0) Atomics.add(this.#words, LOSSES, 1)
    }
  }

  /** The lost ones whose text begins so. */
  lostBeginningWith(start: string): ListedConnection[] {
    const found: ListedConnection[] = []
    for (let row = 0; row < ROWS; row++) {
      const at = wordOf(row)
      const mark = Atomics.load(this.#words, at + MARK)
      if (this.#isFree(row) || Atomics.load(this.#words, at + IS_LOST) === 0) continue
      const length = Atomics.load(this.#words, at + LENGTH)
      const textAt = HEADER + row * ROW_BYTES + TEXT
      const text = Buffer.from(this.#bytes.slice(textAt, textAt + length)).toString('latin1')
      // Another one by now: that is told by the count of losses.
      if (Atomics.load(this.#words, at + MARK) !== mark) continue
      if (text.startsWith(start)) found.push({ text, row, mark })
    }
    return found
  }

  /** It was closed with nothing unanswered on it, or its server has ended it. */
  remove({ row, mark }: ListedConnection): void {
    Atomics.compareExchange(this.#words, wordOf(row) + MARK, mark, 0)
  }

  #write(text: string, { pool, thread }: ConnectionOwner, isLost: boolean): ListedConnection {
    const number = Atomics.add(this.#words, WRITTEN, 1)
    const mark = ((number % LARGEST_MARK) + 1) * MARK_STEP
    const bytes = Buffer.from(text, 'latin1').subarray(0, ROW_BYTES - TEXT)
    const row = this.#take(number % ROWS)
    const at = wordOf(row)
    Atomics.store(this.#words, at + IS_LOST, isLost ? 1 : 0)
    Atomics.store(this.#words, at + POOL, pool)
    Atomics.store(this.#words, at + THREAD, thread)
    Atomics.store(this.#words, at + LENGTH, bytes.length)
    this.#bytes.set(bytes, HEADER + row * ROW_BYTES + TEXT)
    Atomics.store(this.#words, at + MARK, mark)
    return { text, row, mark }
  }

  /** Free, or just being written. */
  #isFree(row: number): boolean {
    const mark = Atomics.load(this.#words, wordOf(row) + MARK)
    return mark === 0 || mark % MARK_STEP !== 0
  }

  /** A free row from here on, or this one. */
  #take(from: number): number {
    for (let step = 0; step < ROWS; step++) {
      const row = (from + step) % ROWS
      if (Atomics.compareExchange(this.#words, wordOf(row) + MARK, 0, 1) === 0) return row
    }
    Atomics.store(this.#words, wordOf(from) + MARK, 1)
    return from
  }
}

function wordOf(row: number): number {
  return (HEADER + row * ROW_BYTES) / Int32Array.BYTES_PER_ELEMENT
}
