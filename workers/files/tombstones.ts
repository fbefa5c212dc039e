import { lstatSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { underClaimIfPossible } from './claim.js'
import type { Layout, Place } from './layout.js'
import { isOlder } from './litter.js'
import { pause } from './pause.js'
import { rename } from './rename.js'
import { busy, MOST_ROUNDS } from './rounds.js'
import { exhume, makeTombstone } from './tombstone.js'
import { unlinkIfPresent } from './unlink.js'

/** Milliseconds that a tombstone stays. */
export const TOMBSTONE_LIFE = 10_000
/** So many tombstones are remembered at the most; past it the oldest goes early. */
const MOST_REMEMBERED = 10_000
/** At close they stay at least so long: an update that had looked before the delete has long failed by then. */
const SHORTEST_LIFE = 50

/** The tombstones that this worker left and has yet to take away. */
export class Tombstones {
  /** When each was left, oldest first. One that is left again starts anew. */
  readonly #left = new Map<string, number>()
  readonly #most: number

  /** @param most So many are remembered; past it the oldest goes early. */
  constructor(most = MOST_REMEMBERED) {
    this.#most = most
  }

  /**
   * Deletes the session of a place; false when there is none.
   *
   * Between its two steps an update that had looked before may still bring the session back: it goes, too. A session
   * that was saved there by then came after the delete and stays; one that was saved there and then updated goes, as if
   * the delete had come last. Nothing can be created there before both steps are done: a create holds the claim.
   */
  bury(layout: Layout, place: Place): boolean {
    return underClaimIfPossible(place, () => this.#bury(layout, place))
  }

  #bury(layout: Layout, place: Place): boolean {
    let again = false
    let found = false
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const taken = layout.temporary(place.directory)
      if (!moved(place.file, taken) && !again) return false
      again = true
      const outcome = makeTombstone(place.file)
      if (removeTaken(taken)) found = true
      if (outcome === 'occupied' && wasWrittenByUpdate(place)) continue
      if (outcome === 'made') this.#remember(place.file)
      return found
    }
    throw busy('mkdir')
  }

  /** Takes away those whose time is over; a few microseconds when there are none. */
  collect(): void {
    this.#takeAway(TOMBSTONE_LIFE)
  }

  /** Takes all of them away; waits, for a moment, until the youngest is old enough. */
  collectAll(): void {
    const youngest = [...this.#left.values()].at(-1)
    if (youngest === undefined) return
    const wait = youngest + SHORTEST_LIFE - performance.now()
    if (wait > 0) pause(wait)
    this.#takeAway(SHORTEST_LIFE)
  }

  #remember(file: string): void {
    this.#left.delete(file)
    this.#left.set(file, performance.now())
    if (this.#left.size > this.#most) this.#takeAway(0, 1)
  }

  /** Takes away the oldest, so many of them at the most, that have been here for `life` milliseconds. */
  #takeAway(life: number, most = Number.POSITIVE_INFINITY): void {
    const latest = performance.now() - life
    let taken = 0
    for (const [file, at] of this.#left) {
      if (at > latest || taken++ === most) return
      this.#left.delete(file)
      try {
        if (isOurs(file, life)) exhume(file)
      } catch {
        // Litter, not a lost session: the sweep collects it when the disk lets it.
      }
    }
  }
}

/** Ours was taken away by a create, and what stands there now may be another process's, made a moment ago. */
function isOurs(file: string, life: number): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  // The kernel's clock for files is a few milliseconds late.
  return stats?.isDirectory() === true && isOlder(stats, life / 2)
}

function wasWrittenByUpdate({ format, file }: Place): boolean {
  return format.peek(file)?.header.writtenByUpdate === true
}

/**
 * False when it is a tombstone: two deletes met, and the other one has found the session. Out of its place it is deleted: what
 * cannot be removed under its temporary name is litter.
 */
function removeTaken(taken: string): boolean {
  try {
    return unlinkIfPresent(taken)
  } catch (error) {
    return !(hasCode(error, 'EISDIR', 'EPERM') && isTombstoneAt(taken))
  }
}

function isTombstoneAt(taken: string): boolean {
  try {
    return exhume(taken)
  } catch {
    // A file is no directory, whatever else is wrong.
    return true
  }
}

function moved(from: string, to: string): boolean {
  try {
    rename(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
