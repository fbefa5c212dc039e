/** A moment that comes once; whoever waits for it is told, also when it has come. */
export class Moment {
  readonly #waiting: (() => void)[] = []
  #tell = (resolve: () => void): void => void this.#waiting.push(resolve)

  /** Resolves when it comes. */
  whenCome(): Promise<void> {
    return new Promise((resolve) => this.#tell(resolve))
  }

  /** It has come. */
  come(): void {
    this.#tell = (resolve) => resolve()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
