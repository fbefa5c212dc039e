/**
 * Tasks one at a time, in the order in which they came. A task that comes while none is under way begins at once, before
 * `run` returns; one that fails stops nobody.
 */
export class Turns {
  #last: Promise<void> | undefined

  /** Whether a task is under way, or waits. */
  get isBusy(): boolean {
    return this.#last !== undefined
  }

  /** Runs a task when all before it are through. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const outcome = this.#last === undefined ? task() : this.#last.then(task)
    const done = (): void => {
      if (this.#last === ended) this.#last = undefined
    }
    const ended: Promise<void> = outcome.then(done, done)
    this.#last = ended
    return outcome
  }
}
