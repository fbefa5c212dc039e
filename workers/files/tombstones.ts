import { chmodSync, mkdirSync, rmdirSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import type { Layout, Place } from './layout.js'
import { unlinkIfPresent } from './removal.js'
import { rename } from './rename.js'

/*
 * How a deleted session stays deleted, across processes, without locks and without a look of its own.
 *
 * A tombstone is an empty directory in the session's very place. The rename of an update that had found the session
 * before it was deleted fails on it, in the kernel, at the last moment there is: a file cannot replace a directory.
 * Whoever brings the key back to life on purpose, a create or a save, removes it first; `rmdir` can remove a
 * tombstone, but never a session.
 *
 * It has to outlive the updates that were under way when it was made: those take microseconds, it stays for seconds.
 * Its sticky bit tells it from a directory that somebody else put there.
 */

/** Milliseconds that a tombstone stays. */
export const TOMBSTONE_LIFE = 10_000
/** So many tombstones are remembered at the most; past it the oldest goes early. */
const MOST_REMEMBERED = 10_000
const MODE = 0o1700
const STICKY = 0o1000

/** Whether what stands in a session's place is a tombstone. */
export function isTombstone(stats: Stats): boolean {
  // Windows keeps no such bit; there every directory counts, and `rmdir` spares those that hold anything.
  return stats.isDirectory() && ((stats.mode & STICKY) !== 0 || process.platform === 'win32')
}

/** Removes the tombstone of a place; false when there is none. */
export function exhume(file: string): boolean {
  try {
    rmdirSync(file)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST')) return false
    throw error
  }
}

/** The tombstones that this worker left and has yet to take away. */
export class Tombstones {
  readonly #left: { readonly file: string; readonly at: number }[] = []
  #first = 0

  /**
   * Deletes the session of a place; false when there is none.
   *
   * Whatever is put there between the two steps was put there while the delete was under way: it goes, too.
   */
  bury(layout: Layout, place: Place): boolean {
    for (let found = false; ; found = true) {
      const taken = layout.temporary(place.directory)
      try {
        rename(place.file, taken)
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error
        if (!found) return false
      }
      const outcome = makeTombstone(place.file)
      // What was taken is a tombstone when two deletes met.
      if (!exhume(taken)) unlinkIfPresent(taken)
      if (outcome === 'occupied') continue
      if (outcome === 'made') this.#remember(place.file)
      return true
    }
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

  #remember(file: string): void {
    this.#left.push({ file, at: performance.now() })
    if (this.#left.length - this.#first > MOST_REMEMBERED) this.#takeAway(1)
  }

  #takeAway(count: number): void {
    for (let taken = 0; taken < count; taken++) {
      const stone = this.#left[this.#first++]
      try {
        if (stone !== undefined) exhume(stone.file)
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

/** `occupied`: something has been put there meanwhile. `impossible`: no room for a directory. */
function makeTombstone(file: string): 'made' | 'occupied' | 'impossible' {
  try {
    mkdirSync(file, MODE)
    // Only Linux is known to take the sticky bit with mkdir.
    if (process.platform !== 'linux') chmodSync(file, MODE)
    return 'made'
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'occupied'
    // A full disk must not keep anybody from logging out: the session goes, only its tombstone does not come.
    return 'impossible'
  }
}
