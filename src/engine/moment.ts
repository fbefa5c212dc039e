/** A moment that comes once; whoever waits for it is told. */
export class Moment {
  readonly #waiting: (() => void)[] = []

  /** Resolves when it comes. */
  whenCome(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** It has come. */
  come(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
