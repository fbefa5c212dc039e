import type { InspectedEntry } from '../../../workers/files/inspect/entries.js'
import { ExitCode } from '../exit-codes.js'

/** What a list or a count cannot tell of: it must not pass for the whole. */
export class Gaps {
  #unreadable = 0
  #damaged = 0

  /** Looks for what could not be looked at. */
  note(entries: readonly InspectedEntry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'unreadable') this.#unreadable++
      else if (entry.kind === 'corrupt' && entry.file.startsWith('.journal/')) this.#damaged++
    }
  }

  /** Tells of it, and makes a failure of it. */
  tell(): void {
    if (this.#unreadable > 0) console.error(`error: ${this.#unreadable} files could not be read`)
    if (this.#damaged > 0) console.error('error: a part of the journal is damaged; verify tells which')
    if (this.#unreadable + this.#damaged > 0) process.exitCode = ExitCode.FAILED
  }
}
