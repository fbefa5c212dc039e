import { fstatSync, fsyncSync, lstatSync, openSync, type Stats } from 'node:fs'
import { hasCode, Status } from '../protocol/index.js'
import { waitForClaim } from './claim.js'
import { closeAnyway } from './close.js'
import { endedOrNot } from './ended-or-not.js'
import type { Place } from './layout.js'
import { livenessOfPlace } from './liveness.js'
import { CHANGE_FLAGS } from './open-flags.js'
import type { NewExpiry } from './record-format.js'
import { busy, MOST_ROUNDS } from './rounds.js'
import type { SaveContext } from './save-protocol.js'
import { syncDirectory } from './sync-directory.js'
import type { Tombstones } from './tombstones.js'

/** What a touch needs to know. */
export interface Touch extends NewExpiry {
  readonly place: Place
  /** An earlier worker may have done it before it died. */
  readonly retried: boolean
}

/** What a touch needs to know about its surroundings. */
export type TouchContext = Pick<SaveContext, 'layout' | 'fsync'>

/**
 * Moves a session's expiry. All is done through one descriptor, so a touch changes the very file that it has looked at
 * or none: when another process has replaced or deleted that file meanwhile, the touch came before, and nothing of it
 * is left. One to the past is a delete: a mere time could be moved again by whoever had looked before.
 */
export function touch(context: TouchContext, request: Touch, tombstones: Tombstones): Status {
  const { place, expiry, retried } = request
  const now = Date.now()
  if (expiry <= now) {
    if (livenessOfPlace(place, now) !== 'alive' || !tombstones.bury(context.layout, place)) {
      if (retried) throw endedOrNot()
      return Status.ABSENT
    }
    if (context.fsync) syncDirectory(place.directory)
    return Status.DONE
  }
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const descriptor = openSession(place)
    if (descriptor === undefined) return Status.ABSENT
    try {
      const outcome = touchFile(descriptor, request, context.fsync)
      if (outcome !== 'late') return outcome
    } finally {
      closeAnyway(descriptor)
    }
  }
  // Or a file system that gives a file one number by its name and another one when it is open.
  throw busy('lstat')
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
    // The expiry may have to be written.
    return openSync(place.file, CHANGE_FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'absent'
    if (hasCode(error, 'EISDIR', 'ELOOP', 'EMLINK', 'ENXIO')) return undefined
    throw error
  }
}

/**
 * `late`: it expired before the touch was through, and somebody may have taken it for dead; or its file is not in its place
 * any more. To be looked at anew.
 */
function touchFile(descriptor: number, request: Touch, fsync: boolean): Status | 'late' {
  const { place } = request
  const now = Date.now()
  const stats = fstatSync(descriptor)
  if (!stats.isFile() || stats.size === 0) return Status.ABSENT
  const before = place.format.moveExpiry(descriptor, stats, request, now)
  if (before === undefined) return Status.ABSENT
  if (fsync) fsyncSync(descriptor)
  // As long as it was alive by its former expiry, whoever took it away did so on purpose, and after this touch; unless he
  // has sealed it anew.
  const isGoneOnPurpose = before > Date.now() && place.format.reseal === undefined
  return isGoneOnPurpose || isStillThere(place, stats) ? Status.DONE : 'late'
}

function isStillThere(place: Place, touched: Stats): boolean {
  return lstatSync(place.file, { throwIfNoEntry: false })?.ino === touched.ino
}
