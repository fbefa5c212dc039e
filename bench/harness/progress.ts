import { createLogUpdate } from 'log-update'

/** Tells somebody at a terminal what is going on; says nothing anywhere else. */
export class Progress {
  readonly #update = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined

  show(line: string): void {
    this.#update?.(line)
  }

  /** Takes the line away. */
  done(): void {
    this.#update?.clear()
    this.#update?.done()
  }
}
