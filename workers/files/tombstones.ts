import { existsSync, lstatSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { waitForClaim } from './claim.js'
import type { Place } from './layout.js'
import { pause } from './pause.js'
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

/** At close they stay at least so long: an update that had looked before the delete has long looked again. */
const SHORTEST_LIFE = 50

/** The tombstones that this worker left and has yet to take away. */
export class Tombstones {
  /** When each was left, oldest first. One that is left again starts anew. */
  readonly #left = new Map<string, number>()

  /** Deletes the session of a place; false when there is none. */
  bury(place: Place): boolean {
    if (!moved(place) && !(waitForClaim(place) && moved(place))) return false
    this.#left.delete(place.tombstone)
    this.#left.set(place.tombstone, performance.now())
    if (this.#left.size > MOST_REMEMBERED) this.#takeAway(Number.NEGATIVE_INFINITY, 1)
    return true
  }

  /** Whether the session of a place was deleted and not created again. */
  static marks(place: Place): boolean {
    return existsSync(place.tombstone)
  }

  /** Takes away those whose time is over; a few microseconds when there are none. */
  collect(): void {
    this.#takeAway(TOMBSTONE_LIFE)
  }

  /** Takes all of them away. */
  collectAll(): void {
    const youngest = [...this.#left.values()].at(-1)
    if (youngest === undefined) return
    const wait = youngest + SHORTEST_LIFE - performance.now()
    if (wait > 0) pause(wait)
    this.#takeAway(SHORTEST_LIFE)
  }

  /** Takes away the oldest, so many of them at the most, that have been here for `life` milliseconds. */
  #takeAway(life: number, most = Number.POSITIVE_INFINITY): void {
    const latest = performance.now() - life
    let taken = 0
    for (const [path, at] of this.#left) {
      if (at > latest || taken++ === most) return
      this.#left.delete(path)
      try {
        if (isOlder(path, life)) unlinkIfPresent(path)
      } catch {
        // Litter, not a lost session: the sweep collects it when the disk lets it.
      }
    }
  }
}

/** Ours was taken away by a create, and what stands there now may be another process's, made a moment ago. */
function isOlder(path: string, life: number): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  // The kernel's clock for files is a few milliseconds late.
  return stats !== undefined && Date.now() - stats.ctimeMs > life / 2
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
