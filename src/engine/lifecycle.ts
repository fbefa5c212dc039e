import { EngineClosedError } from '../errors.js'

/** What a lifecycle drives. */
export interface LifecycleSteps {
  /** Opens; rejects with the reason. */
  open(): Promise<void>
  /** Is called once, after the opening that succeeded; not when closing has begun meanwhile. */
  opened(): void
  /** Stores what was accepted and ends everything; an opening under way is handed on, to be waited for. */
  close(opening: Promise<void> | undefined, timeout: number | undefined): Promise<void>
}

/**
 * new → opening → open → closing → closed. An opening that fails leads back to new, so that the next operation tries
 * again.
 */
export class Lifecycle {
  readonly #steps: LifecycleSteps
  #state: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new'
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(steps: LifecycleSteps) {
    this.#steps = steps
  }

  /** Whether nothing has been opened yet. */
  get isNew(): boolean {
    return this.#state === 'new'
  }

  /** Whether closing has begun. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** @throws {EngineClosedError} once closing has begun */
  refuseClosed(): void {
    if (this.isClosing) throw new EngineClosedError()
  }

  /** Opens if that has not been done; rejects with the reason when it cannot be. */
  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** Closes; again, the same promise. */
  close(timeout: number | undefined): Promise<void> {
    this.#closing ??= this.#close(timeout)
    return this.#closing
  }

  async #open(): Promise<void> {
    this.#state = 'opening'
    try {
      await this.#steps.open()
    } catch (error) {
      this.#opening = undefined
      if (this.#closing === undefined) this.#state = 'new'
      throw error
    }
    if (this.#closing !== undefined) return
    this.#state = 'open'
    this.#steps.opened()
  }

  async #close(timeout: number | undefined): Promise<void> {
    this.#state = 'closing'
    try {
      await this.#steps.close(this.#opening, timeout)
    } finally {
      this.#state = 'closed'
    }
  }
}
