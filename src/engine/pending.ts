import { OverloadedError } from '../errors.js'

/** What is accepted and not yet stored, and its bounds. */
export class Pending {
  readonly #limits: { readonly operations: number; readonly bytes: number }
  readonly #onOverload: () => void
  readonly #onRecovery: () => void
  #overloaded = false
  operations = 0
  bytes = 0
  /** Operations turned away. */
  refused = 0
  /** Bytes that the journal takes up, where there is one, in memory and on disk, and how much memory it may. */
  readonly journal = { memory: 0, disk: 0, limit: Number.POSITIVE_INFINITY }

  constructor(
    limits: { readonly operations: number; readonly bytes: number },
    onOverload: () => void,
    onRecovery: () => void,
  ) {
    this.#limits = limits
    this.#onOverload = onOverload
    this.#onRecovery = onRecovery
  }

  /** What `stats()` and events tell. */
  snapshot(): { readonly operations: number; readonly bytes: number } {
    return { operations: this.operations, bytes: this.bytes }
  }

  /**
   * Refuses what would go past the bounds. A single session larger than the bound is let in when nothing waits.
   * @throws {OverloadedError}
   */
  admit(bytes: number): void {
    const { operations: mostOperations, bytes: mostBytes } = this.#limits
    if (this.operations + 1 > mostOperations) this.#refuse('operations', mostOperations)
    if (bytes === 0) return
    if (this.bytes + bytes > mostBytes && this.bytes > 0) this.#refuse('bytes', mostBytes)
    const { memory, limit } = this.journal
    const waiting = memory + this.bytes
    if (waiting > 0 && waiting + bytes > limit) this.#refuse('journal', limit)
  }

  /** To be called when operations or bytes have gone down. */
  lowered(): void {
    if (!this.#overloaded) return
    const { operations, bytes } = this.#limits
    if (this.operations > operations / 2 || this.bytes > bytes / 2) return
    if (this.journal.memory > this.journal.limit / 2) return
    this.#overloaded = false
    this.#onRecovery()
  }

  #refuse(what: 'operations' | 'bytes' | 'journal', limit: number): never {
    this.refused++
    if (!this.#overloaded) {
      this.#overloaded = true
      this.#onOverload()
    }
    throw new OverloadedError(what, limit)
  }
}
