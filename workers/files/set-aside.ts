import { lstatSync } from 'node:fs'
import { basename } from 'node:path'
import type { CorruptNotice } from '../protocol/index.js'
import type { Layout, Place } from './layout.js'
import { peekHeader } from './peek.js'
import { removeIfMeant } from './removal.js'

/**
 * Moves what is no session out of a session's place and keeps it for whoever wants to look at it: the next save
 * must not overwrite the evidence. `isMeant` makes sure that it is still the same file.
 */
export function setAside(
  layout: Layout,
  place: Place,
  reason: string,
  isMeant: (taken: string) => boolean,
): CorruptNotice {
  const aside = layout.aside(place)
  let moved = false
  try {
    moved = removeIfMeant(layout, place, isMeant, aside)
  } catch {
    // It stays where it is, on a read-only file system for one: that is told, and no reason to fail a load.
  }
  // The name under which it is kept holds the key's name; only the random end of it is told.
  return { reason, keptAs: moved ? `*${basename(aside).slice(-24)}` : undefined }
}

/** Is the file of this inode; of any, where the inode could not be told (a link that was not followed). */
export function hasInode(inode: number | undefined): (taken: string) => boolean {
  return (taken) => {
    const stats = lstatSync(taken, { throwIfNoEntry: false })
    if (stats === undefined) return false
    return inode === undefined ? !stats.isFile() : stats.ino === inode
  }
}

/** Is anything but a regular file. */
export function isAlien(taken: string): boolean {
  return lstatSync(taken, { throwIfNoEntry: false })?.isFile() === false
}

/** Is the record with this write id. */
export function hasWriteId(writeId: readonly [low: number, high: number]): (taken: string) => boolean {
  return (taken) => {
    const standing = peekHeader(taken)?.header.writeId
    return standing !== undefined && standing[0] === writeId[0] && standing[1] === writeId[1]
  }
}
