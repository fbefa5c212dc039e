import { linkSync } from 'node:fs'
import { hasCode, Opcode, Status } from '../protocol/index.js'
import { underClaim, waitForClaim } from './claim.js'
import { closeAnyway } from './close.js'
import { endedOrNot } from './ended-or-not.js'
import { hasNoHardLinks } from './hard-links.js'
import type { Layout, Place } from './layout.js'
import { type Liveness, liveness, livenessOfPlace } from './liveness.js'
import { pause } from './pause.js'
import { removeIfDead } from './removal.js'
import { isDirectoryInTheWay, rename } from './rename.js'
import { type ReplaceContext, replace } from './replace.js'
import { busy, MOST_ROUNDS } from './rounds.js'
import { syncDirectory } from './sync-directory.js'
import { closeWritten, syncWritten, type Version, type Written, writeTemporary } from './temporary.js'
import { exhume } from './tombstone.js'
import { unlinkAnyway } from './unlink.js'

/** Milliseconds. All pauses together are twice as long as a claim's life. */
const LONGEST_PAUSE = 128

/** What the protocol needs to know about its surroundings. */
export interface SaveContext extends ReplaceContext {
  readonly layout: Layout
  /** Whether records and directory entries have to survive a power cut. */
  readonly fsync: boolean
  /** What stands in the session's place is no file: to be moved aside; whether it was. */
  readonly onAlien: (place: Place) => boolean
}

/**
 * The save protocol, Django's (ticket #8616) with its holes closed:
 *
 *   1. the record is written, whole, to a temporary file in the session's own directory; its expiry goes onto
 *      the file's modification time
 *   2. `create` links it into place, which fails if anything is there: one winner, and never an empty placeholder
 *      that readers could meet; `update` makes sure that there is a live session and renames over it; `save` renames. The
 *      tombstone of a delete that passed in between makes either fail: the update is too late, the save removes it;
 *      `replace` is an update that reads what is stored, and renames over it, under a claim
 *
 * A reader sees the old version or the new one. An error leaves the old one and no temporary file.
 */
export function save(context: SaveContext, version: Version): Status {
  try {
    return saveOnce(context, version)
  } catch (error) {
    // Its temporary file has been removed, or the directory with it. By a sweep, when the clock has jumped: then what is
    // being written looks as if a crash had left it.
    if (!hasCode(error, 'ENOENT')) throw error
    return saveOnce(context, version)
  }
}

function saveOnce(context: SaveContext, version: Version): Status {
  const written = writeTemporary(context.layout, version)
  try {
    if (context.fsync) syncWritten(written)
  } catch (error) {
    closeAnyway(written.descriptor)
    throw error
  }
  // Before it takes the place of another version: a network's file system may tell no sooner that bytes are lost.
  closeWritten(written)
  const status = putInPlace(context, written)
  if (context.fsync) syncDirectory(version.place.directory)
  return status
}

/** Step 2. Leaves no temporary file, whatever happens. */
export function putInPlace(context: SaveContext, written: Written): Status {
  try {
    const { version, temporary } = written
    switch (version.opcode) {
      case Opcode.CREATE:
        return create(context, version, temporary)
      case Opcode.UPDATE:
        return update(version, temporary)
      case Opcode.SAVE:
        return overwrite(context, version, temporary)
      case Opcode.REPLACE:
        return replace(context, version, temporary)
    }
  } catch (error) {
    unlinkAnyway(written.temporary)
    throw error
  }
}

function update(version: Version, temporary: string): Status {
  const { place, retried, expiry } = version
  const now = Date.now()
  if (livenessOfPlace(place, now) !== 'alive') {
    unlinkAnyway(temporary)
    if (!retried) return Status.ABSENT
    // It may have expired since a worker that has died put it there.
    if (place.format.isOwn(version)) return Status.DONE
    if (expiry <= now) throw endedOrNot()
    return Status.ABSENT
  }
  try {
    rename(temporary, place.file)
    return Status.DONE
  } catch (error) {
    if (!isDirectoryInTheWay(error)) throw error
    // Deleted since we looked.
    unlinkAnyway(temporary)
    return Status.ABSENT
  }
}

function overwrite(context: SaveContext, { place }: Version, temporary: string): Status {
  for (let round = 1; round < MOST_ROUNDS; round++) {
    try {
      rename(temporary, place.file)
      return Status.DONE
    } catch (error) {
      if (!isDirectoryInTheWay(error)) throw error
      if (!makeWay(context, place, livenessNow(place))) pauseInRound(round)
    }
  }
  rename(temporary, place.file)
  return Status.DONE
}

function create(context: SaveContext, version: Version, temporary: string): Status {
  const { place } = version
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    if (enter(temporary, place) || (version.retried && place.format.isOwn(version))) {
      unlinkAnyway(temporary)
      return Status.DONE
    }
    const standing = livenessNow(place)
    if (standing === 'alive' || standing === 'reserved' || standing === 'foreign') {
      unlinkAnyway(temporary)
      return Status.CONFLICT
    }
    if (makeWay(context, place, standing)) continue
    pauseInRound(round)
  }
  throw busy('link')
}

/** Another process is about to take it away or to win: it needs microseconds, or half a second if it has died. */
function pauseInRound(round: number): void {
  pause(Math.min(LONGEST_PAUSE, 2 ** (round - 1)))
}

/** What is dead, buried or alien does not stand in the way of a new session; false when somebody else is at it. */
function makeWay(context: SaveContext, place: Place, standing: Liveness): boolean {
  switch (standing) {
    case 'dead':
      return removeIfDead(place)
    case 'buried':
      exhume(place.file)
      return true
    case 'alien':
      return context.onAlien(place)
    case 'absent':
      // Gone in this moment, or a claim that only the holder may pass.
      waitForClaim(place)
      return true
    default:
      return true
  }
}

/**
 * Puts a new session into an empty place; false when something is there, or somebody holds the claim: what he has taken
 * away may come back, or be replaced by a late update of it.
 *
 * @param link Tests bring that of a file system without hard links.
 */
export function enter(temporary: string, place: Place, link = linkSync): boolean {
  return underClaim(place, () => linkIntoPlace(temporary, place, link)) ?? false
}

/** Atomic and exclusive, for whoever holds the claim; false when something is there. */
export function linkIntoPlace(temporary: string, place: Place, link = linkSync): boolean {
  try {
    link(temporary, place.file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!hasNoHardLinks(error)) throw error
  }
  // Without hard links it is the claim alone that keeps two creates apart.
  const standing = livenessNow(place)
  if (standing !== 'absent' && standing !== 'dead') return false
  rename(temporary, place.file)
  return true
}

function livenessNow(place: Place): Liveness {
  return liveness(place.format, place.file, Date.now())
}
