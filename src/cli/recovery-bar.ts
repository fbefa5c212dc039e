import { Presets, SingleBar } from 'cli-progress'
import type { RecoveryProgress } from '../engine/events.js'

/** Shows somebody at a terminal how far the reading back of a journal has come; says nothing anywhere else. */
export class RecoveryBar {
  readonly #bar = new SingleBar(
    {
      format: 'reading the journal back {bar} {percentage} % | {records} operations | {eta_formatted} left',
      stream: process.stderr,
      noTTYOutput: false,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  )
  #begun = false

  /** As the engine's `recovery` event tells it. */
  show({ done, bytes, totalBytes, records }: RecoveryProgress): void {
    if (!this.#begun) this.#bar.start(totalBytes, 0, { records: 0 })
    this.#begun = true
    this.#bar.update(bytes, { records })
    if (done) this.end()
  }

  /** Gives the terminal back. */
  end(): void {
    this.#bar.stop()
  }
}
