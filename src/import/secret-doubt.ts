import { SecretError } from './errors.js'
import type { SecretProblem } from './source.js'
import type { Outcome } from './tally.js'

/**
 * So many sessions that the secret does not fit, and none that it does: it is the secret, and not them. Old ones may well
 * lie about that an earlier secret was for, and to try one may take 50 ms.
 */
const ENOUGH = 1000

/** Doubts a secret until something speaks for it. */
export class SecretDoubt {
  #proven = false
  #refused = 0
  #problem: SecretProblem | undefined

  /**
   * Takes notice of what became of one session.
   * @throws {SecretError} when nothing but refusals has been seen, and enough of them
   */
  note(outcome: Outcome): void {
    if (outcome.state === 'unreadable') {
      if (outcome.secret === undefined) return
      this.#refused++
      this.#problem ??= outcome.secret
      if (this.#refused >= ENOUGH) this.settle()
    } else if (outcome.state !== 'foreign' && outcome.state !== 'gone') {
      // Also what is there already: an earlier run could read it.
      this.#proven = true
    }
  }

  /** @throws {SecretError} when nothing but refusals has been seen */
  settle(): void {
    if (!this.#proven && this.#problem !== undefined) throw new SecretError(this.#problem)
  }
}
