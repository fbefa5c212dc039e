import { Presets, SingleBar } from 'cli-progress'
import type { MovedSessions } from '../../import/tally.js'

/** Shows somebody at a terminal how far an import has come; says nothing anywhere else. */
export class ImportBar {
  readonly #bar = new SingleBar(
    {
      format:
        'importing {bar} {percentage} % | {value} of {total} | {imported} imported | {eta_formatted} left',
      stream: process.stderr,
      noTTYOutput: false,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  )

  /** Whether there is anybody to see it, and so whether the total is worth counting. */
  readonly isSeen = process.stderr.isTTY === true

  /** Begins with the number of entries there are to go through. */
  start(total: number): void {
    this.#bar.start(total, 0, { imported: 0 })
  }

  show({ imported, existing, expired, unreadable, foreign, gone }: MovedSessions): void {
    if (!this.isSeen) return
    this.#bar.update(imported + existing + expired + unreadable + foreign + gone, { imported })
  }

  /** Gives the terminal back. */
  end(): void {
    this.#bar.stop()
  }
}
