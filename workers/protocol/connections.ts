import {
  CONNECTION_LIST_BYTES,
  ConnectionList,
  type ConnectionOwner,
  type ListedConnection,
} from './connection-list.js'

/*
 * What the workers of a storage on servers count, in memory that they share with the engine:
 *
 *   0  commands sent again   1  connections made in the place of lost ones   2  rows given out
 *   then a row for each worker: its thread's id, and the connections that it has
 *   then the connections one by one, see connection-list.ts
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
  return new SharedArrayBuffer(COUNT_BYTES + CONNECTION_LIST_BYTES)
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

/** Notes that a pool's threads, all but those that still are, have left connections behind. */
export function loseConnections(memory: SharedArrayBuffer, pool: number, living: ReadonlySet<number>): void {
  new ConnectionList(memory, COUNT_BYTES).loseOthers(pool, living)
}

/** A worker's side of it. */
export class ConnectionTally {
  /** Those of all workers. */
  readonly list: ConnectionList
  readonly #owner: ConnectionOwner
  readonly #counts: Int32Array
  readonly #open: number

  constructor(memory: SharedArrayBuffer, owner: ConnectionOwner) {
    this.#owner = owner
    this.#counts = new Int32Array(memory, 0, COUNTS)
    this.list = new ConnectionList(memory, COUNT_BYTES)
    const row = FIRST_ROW + (Atomics.add(this.#counts, GIVEN_OUT, 1) % ROWS) * ROW
    Atomics.store(this.#counts, row, owner.thread)
    this.#open = row + 1
    Atomics.store(this.#counts, this.#open, 0)
  }

  /** There is a connection more, which is written down as this; `again`: in the place of one that was lost. */
  opened(text: string, again: boolean): ListedConnection {
    Atomics.add(this.#counts, this.#open, 1)
    if (again) Atomics.add(this.#counts, RECONNECTS, 1)
    return this.list.add(text, this.#owner)
  }

  /** There is one less; `isOwed`: something on it was unanswered. */
  closed(connection: ListedConnection, isOwed: boolean): void {
    Atomics.sub(this.#counts, this.#open, 1)
    if (isOwed) this.list.lose(connection, this.#owner)
    else this.list.remove(connection)
  }

  /** What was closed had something unanswered on it after all. */
  lost(connection: ListedConnection): void {
    this.list.lose(connection, this.#owner)
  }

  /** So many operations are sent again. */
  retried(operations: number): void {
    Atomics.add(this.#counts, RETRIES, operations)
  }
}
