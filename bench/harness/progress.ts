import { SingleBar } from 'cli-progress'

/** Tells somebody at a terminal how far it is and what is going on; says nothing anywhere else. */
export class Progress {
  readonly #bar: SingleBar | undefined
  #done = 0

  /** @param steps how many there will be, all in all */
  constructor(steps: number) {
    if (!process.stderr.isTTY) return
    this.#bar = new SingleBar({
      format: '{bar} {percentage} %  {eta_formatted} left  {what}',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      barsize: 24,
      etaBuffer: 20,
    })
    this.#bar.start(steps, 0, { what: '' })
  }

  /** What is going on now. */
  show(what: string): void {
    this.#bar?.update(this.#done, { what })
  }

  /** So many steps more are done. */
  advance(steps = 1): void {
    this.#done += steps
    this.#bar?.update(this.#done)
  }

  /** Prints a text above the bar. */
  print(text: string): void {
    // The bar stands in the last line, which the text takes over; it is drawn anew below, with the next step.
    if (this.#bar !== undefined) process.stderr.write('\r\u001b[K')
    console.log(text)
  }

  /** Takes the bar away. */
  end(): void {
    this.#bar?.stop()
  }
}
