import { existsSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { waitForClaim } from './claim.js'
import type { Place } from './layout.js'
import { unlinkIfPresent } from './removal.js'
import { rename } from './rename.js'

/*
 * How a deleted session stays deleted, across processes and without locks.
 *
 * A delete is one rename of the session file to its tombstone: in the same instant the session is gone and the
 * tombstone is there. An update that had found the session before looks for the tombstone after its own rename
 * and, if there is one, empties the very file that it wrote, through the descriptor it still holds, so that it
 * can never hit a file that somebody else has put there since. A create or a save that brings the key back to
 * life on purpose takes the tombstone away and then makes sure that its own file is still in place.
 *
 * So a tombstone means: deleted, and not created again. It has to outlive the updates that were under way when
 * it was made; those take microseconds, it stays for seconds.
 */

/** Milliseconds that a tombstone stays. */
export const TOMBSTONE_LIFE = 10_000
/** So many tombstones are remembered at the most; past it the oldest goes early. */
const MOST_REMEMBERED = 10_000

/** The tombstones that this worker left and has yet to take away. */
export class Tombstones {
  readonly #left: { readonly path: string; readonly at: number }[] = []
  #first = 0

  /** Deletes the session of a place; false when there is none. */
  bury(place: Place): boolean {
    if (!moved(place) && !(waitForClaim(place) && moved(place))) return false
    this.#left.push({ path: place.tombstone, at: performance.now() })
    if (this.#left.length - this.#first > MOST_REMEMBERED) this.#takeAway(1)
    return true
  }

  /** Whether the session of a place was deleted and not created again. */
  static marks(place: Place): boolean {
    return existsSync(place.tombstone)
  }

  /** Takes away those whose time is over; a few microseconds when there are none. */
  collect(): void {
    const oldest = performance.now() - TOMBSTONE_LIFE
    let due = 0
    for (let index = this.#first; index < this.#left.length; index++) {
      const stone = this.#left[index]
      if (stone === undefined || stone.at > oldest) break
      due++
    }
    this.#takeAway(due)
  }

  /** Takes all of them away. */
  collectAll(): void {
    this.#takeAway(this.#left.length - this.#first)
  }

  #takeAway(count: number): void {
    for (let taken = 0; taken < count; taken++) {
      const stone = this.#left[this.#first++]
      try {
        if (stone !== undefined) unlinkIfPresent(stone.path)
      } catch {
        // Litter, not a lost session: the sweep collects it when the disk lets it.
      }
    }
    if (this.#first === this.#left.length || this.#first > MOST_REMEMBERED) {
      this.#left.splice(0, this.#first)
      this.#first = 0
    }
  }
}

function moved(place: Place): boolean {
  try {
    rename(place.file, place.tombstone)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
