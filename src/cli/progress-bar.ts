import { Presets, SingleBar } from 'cli-progress'

/** Shows somebody at a terminal, on standard error, how far something has come; says nothing anywhere else. */
export class ProgressBar {
  readonly #bar: SingleBar
  #begun = false

  /** @param format As `cli-progress` has it: `{bar}`, `{percentage}`, `{eta_formatted}` and names of values. */
  constructor(format: string) {
    this.#bar = new SingleBar(
      { format, stream: process.stderr, noTTYOutput: false, hideCursor: true, clearOnComplete: true },
      Presets.shades_classic,
    )
  }

  /** So much of the whole is done. */
  show(done: number, total: number, values: Readonly<Record<string, number | string>>): void {
    if (!this.#begun) this.#bar.start(total, 0, values)
    this.#begun = true
    this.#bar.setTotal(total)
    this.#bar.update(done, values)
  }

  /** Gives the terminal back. */
  end(): void {
    if (this.#begun) this.#bar.stop()
    this.#begun = false
  }
}
