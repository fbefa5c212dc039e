export type Callback = (error?: Error | null) => void

/** A call of the handler's that waits. */
export interface Call {
  readonly ends: boolean
  readonly carryOut: () => unknown
  readonly callback: Callback | undefined
}

/**
 * Calls in the order in which they came. There may be a hundred thousand small ones, so none is moved when one before
 * it has gone.
 */
export class WaitingCalls {
  #calls: Call[] = []
  #gone = 0
  #hasEnd = false

  /** The one whose turn it is. */
  get first(): Call | undefined {
    return this.#calls[this.#gone]
  }

  /** Whether one of them ends the response. */
  get hasEnd(): boolean {
    return this.#hasEnd
  }

  add(call: Call): void {
    this.#calls.push(call)
    if (call.ends) this.#hasEnd = true
  }

  removeFirst(): void {
    this.#gone++
    if (this.#gone >= this.#calls.length) this.removeAll()
  }

  /** Removes and returns them. */
  removeAll(): readonly Call[] {
    const left = this.#calls.slice(this.#gone)
    this.#calls = []
    this.#gone = 0
    this.#hasEnd = false
    return left
  }
}
