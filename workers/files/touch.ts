import {
  constants,
  fstatSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  openSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { hasCode, Status, systemError } from '../protocol/index.js'
import { waitForClaim } from './claim.js'
import { closeAnyway } from './close.js'
import type { Place } from './layout.js'
import { livenessOfPlace } from './liveness.js'
import { headerOf } from './peek.js'
import { composeExpiry, EXPIRY_OFFSET, UNREADABLE_EXPIRY } from './record.js'
import type { SaveContext } from './save-protocol.js'
import { syncDirectory } from './sync-directory.js'
import type { Tombstones } from './tombstones.js'

/** As for reading, but the expiry may have to be written. */
const TOUCH_FLAGS = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** What a touch needs to know. */
export interface Touch {
  readonly place: Place
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly expiry: number
}

/** What a touch needs to know about its surroundings. */
export type TouchContext = Pick<SaveContext, 'layout' | 'fsync'>

/**
 * Moves a session's expiry. All is done through one descriptor, so a touch changes the very file that it has looked at
 * or none: when another process has replaced or deleted that file meanwhile, the touch came before, and nothing of it
 * is left. One to the past is a delete: a mere time could be moved again by whoever had looked before.
 */
export function touch(context: TouchContext, request: Touch, tombstones: Tombstones): Status {
  const { place, expiry } = request
  const now = Date.now()
  if (expiry <= now) {
    if (livenessOfPlace(place, now) !== 'alive') return Status.ABSENT
    const buried = tombstones.bury(context.layout, place)
    if (buried && context.fsync) syncDirectory(place.directory)
    return buried ? Status.DONE : Status.ABSENT
  }
  for (;;) {
    const descriptor = openSession(place)
    if (descriptor === undefined) return Status.ABSENT
    try {
      const outcome = touchFile(descriptor, request, context.fsync)
      if (outcome !== 'late') return outcome
    } finally {
      closeAnyway(descriptor)
    }
  }
}

/** `undefined` when there is none, or none that can be opened so: a tombstone, a link, a socket. */
function openSession(place: Place): number | undefined {
  const descriptor = openIfFile(place)
  if (descriptor !== 'absent') return descriptor
  // It may have been taken away only to be looked at.
  waitForClaim(place)
  const second = openIfFile(place)
  return second === 'absent' ? undefined : second
}

function openIfFile(place: Place): number | undefined | 'absent' {
  try {
    return openSync(place.file, TOUCH_FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'absent'
    if (hasCode(error, 'EISDIR', 'ELOOP', 'EMLINK', 'ENXIO')) return undefined
    throw error
  }
}

/** `late`: it expired before the touch was through, and somebody may have taken it for dead; to be looked at anew. */
function touchFile(descriptor: number, { place, key, expiry }: Touch, fsync: boolean): Status | 'late' {
  const now = Date.now()
  const stats = fstatSync(descriptor)
  if (!stats.isFile() || stats.size === 0) return Status.ABSENT
  let before = stats.mtimeMs
  // The header's expiry is not after the file's time, unless that is in the past, for then the file was copied without
  // it. A file's time comes back with its fraction rounded to what the file system keeps.
  if (expiry >= before - 1 && before > now) {
    setTime(descriptor, expiry)
  } else {
    const header = headerOf(descriptor)
    if (header === undefined || header.keyLength !== key.length || header.expiry === UNREADABLE_EXPIRY) {
      return Status.ABSENT
    }
    before = Math.max(header.expiry, before)
    if (before <= now) return Status.ABSENT
    // Of the expiry in the header and the one on the file the later counts, so a shorter life has to be in both.
    if (header.expiry > expiry) writeExpiry(descriptor, expiry)
    setTimeNotBefore(descriptor, expiry)
  }
  if (fsync) fsyncSync(descriptor)
  // As long as it was alive by its former expiry, whoever took it away did so on purpose, and after this touch.
  return before > Date.now() || isStillThere(place, stats) ? Status.DONE : 'late'
}

/**
 * When two touches meet, the header may be the one's and the time the other's. The later counts as it should; but a
 * header later than the time would deceive the next touch, which takes the time for the later.
 */
function setTimeNotBefore(descriptor: number, expiry: number): void {
  for (let latest = expiry; ; ) {
    setTime(descriptor, latest)
    const found = headerOf(descriptor)?.expiry
    if (found === undefined || found <= latest || found === UNREADABLE_EXPIRY) return
    latest = found
  }
}

function setTime(descriptor: number, expiry: number): void {
  futimesSync(descriptor, expiry / 1000, expiry / 1000)
}

function writeExpiry(descriptor: number, expiry: number): void {
  const bytes = composeExpiry(expiry)
  const count = writeSync(descriptor, bytes, 0, bytes.length, EXPIRY_OFFSET)
  if (count < bytes.length) throw systemError('EIO', 'write', 'the disk takes no more bytes')
}

function isStillThere(place: Place, touched: Stats): boolean {
  return lstatSync(place.file, { throwIfNoEntry: false })?.ino === touched.ino
}
