/** Counts what a worker does with its connections. */
export class Counters {
  connections = 0
  reconnects = 0
  retries = 0

  /** So many connections more, or fewer. */
  connected(difference: 1 | -1): void {
    this.connections += difference
  }

  /** A connection took the place of one that was lost. */
  reconnected(): void {
    this.reconnects++
  }

  /** So many commands were sent again. */
  retried(commands: number): void {
    this.retries += commands
  }
}
