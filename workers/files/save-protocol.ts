import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs'
import { hasCode, Opcode, Status, systemError } from '../protocol/index.js'
import { underClaim } from './claim.js'
import type { Layout, Place } from './layout.js'
import { liveness, livenessOfPlace, peekHeader } from './liveness.js'
import { pause } from './pause.js'
import { removeIfMeant, unlinkIfPresent } from './removal.js'
import { rename } from './rename.js'
import { Tombstones } from './tombstones.js'

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
/** Two writers can only keep taking a key from each other so often before one of them gives way. */
const MOST_ROUNDS = 16
/** Milliseconds. All pauses together are twice as long as a claim's life. */
const LONGEST_PAUSE = 128
/** How often, a millisecond apart, a create or save looks whether what has replaced it lasts. */
const LOOKS = 10

/** One version of one session, ready to be written. */
export interface Version {
  readonly opcode: typeof Opcode.CREATE | typeof Opcode.UPDATE | typeof Opcode.SAVE
  readonly place: Place
  /** The record lies in `bytes` from `start` to `end`. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** Milliseconds since the epoch. */
  readonly expiry: number
  readonly writeId: readonly [low: number, high: number]
  /** A worker may have begun this very operation before it died. */
  readonly retried: boolean
}

/** A version that is complete on disk under a temporary name. */
export interface Written {
  readonly version: Version
  readonly temporary: string
  readonly descriptor: number
}

/** What the protocol needs to know about its surroundings. */
export interface SaveContext {
  readonly layout: Layout
  /** Whether records and directory entries have to survive a power cut. */
  readonly fsync: boolean
  /** A file stood in the session's place that was none; it was moved aside. */
  readonly onAlien: (place: Place) => void
}

/**
 * The save protocol, Django's (ticket #8616) with its holes closed:
 *
 *   1. the record is written, whole, to a temporary file in the session's own directory; its expiry goes onto
 *      the file's modification time
 *   2. `create` links it into place, which fails if anything is there: one winner, and never an empty placeholder
 *      that readers could meet; `update` makes sure that there is a live session and renames over it; `save` renames
 *   3. if a delete passed in between, an update takes itself back, a create or save makes sure that it stands
 *
 * A reader sees the old version or the new one. An error leaves the old one and no temporary file.
 */
export function save(context: SaveContext, version: Version): Status {
  const written = writeTemporary(context, version)
  try {
    if (context.fsync) syncWritten(written)
    const status = putInPlace(context, written)
    if (context.fsync) syncDirectory(version.place.directory)
    return status
  } finally {
    closeSync(written.descriptor)
  }
}

/** Puts a temporary file's bytes on the disk; on failure it is removed, for what it holds is unknown. */
export function syncWritten(written: Written): void {
  try {
    fsyncSync(written.descriptor)
  } catch (error) {
    unlinkIfPresent(written.temporary)
    throw error
  }
}

/** Step 1. The caller closes the descriptor. */
export function writeTemporary(context: SaveContext, version: Version): Written {
  const { layout } = context
  const temporary = layout.temporary(version.place.directory)
  const descriptor = openTemporary(layout, temporary, version.place.directory)
  try {
    writeFully(descriptor, version.bytes, version.start, version.end)
    futimesSync(descriptor, version.expiry / 1000, version.expiry / 1000)
    return { version, temporary, descriptor }
  } catch (error) {
    closeSync(descriptor)
    unlinkIfPresent(temporary)
    throw error
  }
}

/** Steps 2 and 3. Leaves no temporary file, whatever happens. */
export function putInPlace(context: SaveContext, written: Written): Status {
  try {
    switch (written.version.opcode) {
      case Opcode.CREATE:
        return create(context, written)
      case Opcode.UPDATE:
        return update(written)
      case Opcode.SAVE:
        return replace(context, written)
    }
  } catch (error) {
    unlinkIfPresent(written.temporary)
    throw error
  }
}

function update({ version, temporary, descriptor }: Written): Status {
  const { place } = version
  if (livenessOfPlace(place, Date.now()) !== 'alive') {
    unlinkIfPresent(temporary)
    return Status.ABSENT
  }
  rename(temporary, place.file)
  if (!Tombstones.marks(place)) return Status.DONE
  // Deleted since we looked: our file must not be read. Only its bytes are ours to take back, for by now the
  // path may belong to somebody else; the sweep collects the empty file.
  ftruncateSync(descriptor, 0)
  return Status.ABSENT
}

function replace(context: SaveContext, first: Written): Status {
  return settleInPlace(context, first, ({ temporary, version }) => {
    try {
      rename(temporary, version.place.file)
    } catch (error) {
      if (!hasCode(error, 'EISDIR', 'ENOTEMPTY', 'ENOTDIR', 'EEXIST')) throw error
      context.onAlien(version.place)
      rename(temporary, version.place.file)
    }
    return Status.DONE
  })
}

function create(context: SaveContext, first: Written): Status {
  return settleInPlace(context, first, (written) => {
    const { temporary, version } = written
    const { place } = version
    for (let round = 1; round <= MOST_ROUNDS; round++) {
      if (linkIntoPlace(temporary, place)) {
        unlinkIfPresent(temporary)
        return Status.DONE
      }
      if (isOurOwn(version)) {
        unlinkIfPresent(temporary)
        // The worker that died had come this far; it may have left the last step to us.
        unlinkIfPresent(place.tombstone)
        return Status.DONE
      }
      const standing = liveness(place.file, Date.now())
      // Alive next to a tombstone: an update about to take itself back, or a save that has yet to take the tombstone.
      if (standing === 'alive' && (round === MOST_ROUNDS || !Tombstones.marks(place))) {
        unlinkIfPresent(temporary)
        return Status.CONFLICT
      }
      // What is dead or alien does not stand in the way of a new session.
      if (standing === 'alien') context.onAlien(place)
      const isDead = (taken: string) => liveness(taken, Date.now()) === 'dead'
      if (standing === 'dead' && removeIfMeant(context.layout, place, isDead)) continue
      // Another process is about to take it away or to win: it needs microseconds, or half a second if it has died.
      pause(Math.min(LONGEST_PAUSE, 2 ** (round - 1)))
    }
    throw systemError('EBUSY', 'link', 'other processes keep the place of this session occupied')
  })
}

/** Step 3 of create and save: they have not acknowledged anything yet, so they can simply do it again. */
function settleInPlace(context: SaveContext, first: Written, place: (written: Written) => Status): Status {
  let written = first
  try {
    for (let round = 1; ; round++) {
      const status = place(written)
      if (status !== Status.DONE || staysInPlace(written) || round === MOST_ROUNDS) return status
      const again = writeTemporary(context, written.version)
      if (written !== first) closeSync(written.descriptor)
      written = again
      if (context.fsync) syncWritten(written)
    }
  } catch (error) {
    unlinkIfPresent(written.temporary)
    throw error
  } finally {
    if (written !== first) closeSync(written.descriptor)
  }
}

/**
 * Takes away the tombstone of an earlier session, if there is one; false when an update of that session has mistaken
 * our file for one that was brought back, and emptied the place.
 */
function staysInPlace({ version, descriptor }: Written): boolean {
  const { tombstone, file } = version.place
  if (!Tombstones.marks(version.place)) return true
  const stone = lstatSync(tombstone, { throwIfNoEntry: false })
  if (stone === undefined) return true
  const own = fstatSync(descriptor)
  // It is our own: deleted since. What follows a save is not the save's business.
  if (stone.ino === own.ino) return true
  if (own.nlink > 0) {
    unlinkIfPresent(tombstone)
    if (fstatSync(descriptor).nlink > 0) return true
  }
  // Replaced: for good, or by an update that is about to empty its file. It needs microseconds.
  for (let look = 0; look < LOOKS; look++) {
    const standing = liveness(file, Date.now())
    if (standing === 'dead') return false
    if (standing === 'absent') return true
    pause(1)
  }
  return true
}

/** Atomic and exclusive; false when something is there. */
function linkIntoPlace(temporary: string, place: Place): boolean {
  try {
    linkSync(temporary, place.file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error
    return renameIntoPlace(temporary, place)
  }
}

/**
 * For file systems without hard links: there, every create has to hold the claim, so that nobody can put anything
 * there between the look and the rename. Unlike Django's placeholder, readers never meet it.
 */
export function renameIntoPlace(temporary: string, place: Place): boolean {
  const entered = underClaim(place, () => {
    const standing = liveness(place.file, Date.now())
    if (standing === 'alive' || standing === 'alien') return false
    rename(temporary, place.file)
    return true
  })
  return entered ?? false
}

/** Whether the record in our way is the one that our own dead worker had put there. */
function isOurOwn(version: Version): boolean {
  if (!version.retried) return false
  const standing = peekHeader(version.place.file)?.header.writeId
  return standing !== undefined && standing[0] === version.writeId[0] && standing[1] === version.writeId[1]
}

function openTemporary(layout: Layout, temporary: string, directory: string): number {
  try {
    return openSync(temporary, CREATE_FLAGS, 0o600)
  } catch (error) {
    if (!layout.sharded || !hasCode(error, 'ENOENT')) throw error
    makeDirectory(directory)
    return openSync(temporary, CREATE_FLAGS, 0o600)
  }
}

/** Directories of the sharded layout are made when the first session comes. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, 0o700)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

/** A short write is continued; one that makes no progress is an error, never a truncated record. */
export function writeFully(
  descriptor: number,
  bytes: Buffer,
  start: number,
  end: number,
  write: (descriptor: number, bytes: Buffer, offset: number, length: number) => number = writeSync,
): void {
  let offset = start
  while (offset < end) {
    const count = write(descriptor, bytes, offset, end - offset)
    if (count <= 0) throw systemError('EIO', 'write', 'the disk takes no more bytes')
    offset += count
  }
}

/** Makes a directory's entries survive a power cut. */
export function syncDirectory(directory: string): void {
  // Windows has no handle to sync a directory by; its file systems journal renames themselves.
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
