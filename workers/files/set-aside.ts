import { lstatSync, type Stats } from 'node:fs'
import { basename } from 'node:path'
import type { CorruptNotice } from '../protocol/index.js'
import { isSameWrite, type WriteId } from '../record/write-id.js'
import type { Layout, Place } from './layout.js'
import type { RecordFormat } from './record-format.js'
import { removeIfMeant } from './removal.js'
import { isTombstone } from './tombstone.js'

/**
 * Moves what is no session out of a session's place and keeps it for whoever wants to look at it: the next save
 * must not overwrite the evidence. `isMeant` makes sure that it is still the same file. What may be another program's
 * session is only told of, and left where it is.
 */
export function setAside(
  layout: Layout,
  place: Place,
  reason: string,
  isMeant: (taken: string) => boolean,
): CorruptNotice {
  if (place.format.isForeign(reason)) return { reason, keptAs: undefined }
  const aside = layout.aside(place)
  let moved = false
  try {
    moved = removeIfMeant(place, isMeant, aside)
  } catch {
    // It stays where it is, on a read-only file system for one: that is told, and no reason to fail a load.
  }
  // The name under which it is kept holds the key's name; only the random end of it is told.
  return { reason, keptAs: moved ? `*${basename(aside).slice(-24)}` : undefined }
}

/**
 * Is the file that was seen; any but a session or a tombstone, where it could not be looked at (a link that was not
 * followed). The inode's number alone does not tell: ext4 gives that of a file just replaced to the next one.
 */
export function isSame(seen: Stats | undefined): (taken: string) => boolean {
  if (seen === undefined) return isAlien
  return (taken) => {
    const stats = lstatSync(taken, { throwIfNoEntry: false })
    return stats?.ino === seen.ino && stats.size === seen.size && stats.mtimeMs === seen.mtimeMs
  }
}

/** Is anything but a regular file or a tombstone. */
export function isAlien(taken: string): boolean {
  const stats = lstatSync(taken, { throwIfNoEntry: false })
  return stats !== undefined && !stats.isFile() && !isTombstone(stats)
}

/** Is the record with this write id. */
export function hasWriteId(format: RecordFormat, writeId: WriteId): (taken: string) => boolean {
  return (taken) => isSameWrite(format.peek(taken)?.header.writeId, writeId)
}
