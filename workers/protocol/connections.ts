import { LOST_CONNECTIONS_BYTES, LostConnections } from './lost-connections.js'

/*
 * What the workers of a storage on servers count, in memory that they share with the engine:
 *
 *   0  commands sent again   1  connections made in the place of lost ones   2  rows given out
 *   then a row for each worker: its thread's id, and the connections that it has
 *   then the connections that were lost, see lost-connections.ts
 *
 * A worker that dies leaves its row; whoever reads leaves out threads that are no more.
 */

const RETRIES = 0
const RECONNECTS = 1
const GIVEN_OUT = 2
const FIRST_ROW = 3
const ROW = 2
/** More workers than an engine has at a time, and some that died. The next one takes over the oldest row. */
const ROWS = 256
const COUNTS = FIRST_ROW + ROWS * ROW
const COUNT_BYTES = COUNTS * Int32Array.BYTES_PER_ELEMENT

/** Connections to servers, and what became of them. */
export interface ConnectionStatistics {
  /** Connections at present, of all threads. */
  readonly open: number
  /** Operations sent again: the server was down, no longer in charge or not yet, or did not answer. */
  readonly retries: number
  /** Connections made in the place of lost ones. */
  readonly reconnects: number
}

/** Memory for one engine. */
export function connectionMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNT_BYTES + LOST_CONNECTIONS_BYTES)
}

/** The counts, of those threads that still are. */
export function readConnections(
  memory: SharedArrayBuffer,
  threads: ReadonlySet<number>,
): ConnectionStatistics {
  const counts = new Int32Array(memory, 0, COUNTS)
  let open = 0
  for (let row = FIRST_ROW; row < counts.length; row += ROW) {
    if (threads.has(Atomics.load(counts, row))) open += Atomics.load(counts, row + 1)
  }
  return { open, retries: Atomics.load(counts, RETRIES), reconnects: Atomics.load(counts, RECONNECTS) }
}

/** A worker's side of it. */
export class ConnectionTally {
  /** Those of all workers. */
  readonly lost: LostConnections
  readonly #counts: Int32Array
  readonly #open: number

  /** @param thread the id of the worker's thread */
  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#counts = new Int32Array(memory, 0, COUNTS)
    this.lost = new LostConnections(memory, COUNT_BYTES)
    const row = FIRST_ROW + (Atomics.add(this.#counts, GIVEN_OUT, 1) % ROWS) * ROW
    Atomics.store(this.#counts, row, thread)
    this.#open = row + 1
    Atomics.store(this.#counts, this.#open, 0)
  }

  /** There is a connection more; `again`: in the place of one that was lost. */
  opened(again: boolean): void {
    Atomics.add(this.#counts, this.#open, 1)
    if (again) Atomics.add(this.#counts, RECONNECTS, 1)
  }

  /** There is one less. */
  closed(): void {
    Atomics.sub(this.#counts, this.#open, 1)
  }

  /** So many operations are sent again. */
  retried(operations: number): void {
    Atomics.add(this.#counts, RETRIES, operations)
  }
}
