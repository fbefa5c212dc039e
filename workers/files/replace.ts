import { payloadDigest, Status, systemError } from '../protocol/index.js'
import { underClaimInTime } from './claim.js'
import { endedOrNot } from './ended-or-not.js'
import type { Place } from './layout.js'
import { type Corrupt, readAtOnce } from './load.js'
import { isDirectoryInTheWay, rename } from './rename.js'
import type { Replacement } from './temporary.js'
import { unlinkAnyway } from './unlink.js'

/** What a replace needs to know about its surroundings. */
export interface ReplaceContext {
  readonly maxRecordBytes: number
  /** What stands in the session's place is none: to be moved aside. */
  readonly onCorrupt: (place: Place, found: Corrupt) => void
}

/** Whether a stored payload is the version that is to be replaced. */
export function isMeant(payload: Uint8Array, digest: Uint8Array): boolean {
  return payloadDigest(payload).equals(digest)
}

/**
 * Puts a written version in the place of the one that it is meant to replace, and of no other.
 *
 * The claim is held from the look to the rename, so of all replaces, creates and deletes of all processes one at a time
 * does this. Saves and updates hold none: what another process puts there between the two is lost, as if it had come
 * before the look. With `fsync` all that is written of a batch is on the disk by now, and the directory is synced after:
 * nobody else waits for a disk because of a claim. Whoever reads a version that is not synced yet, and builds upon it,
 * syncs the same directory before he is told that he has stored anything.
 */
export function replace(context: ReplaceContext, version: Replacement, temporary: string): Status {
  const { place } = version
  const { status, corrupt } = underClaimInTime(place, () =>
    replaceIfMeant(version, temporary, context.maxRecordBytes),
  )
  if (status !== Status.DONE) unlinkAnyway(temporary)
  // Not before: it takes the claim itself.
  if (corrupt !== undefined) context.onCorrupt(place, corrupt)
  return status
}

interface Outcome {
  readonly status: Status
  readonly corrupt?: Corrupt
}

function replaceIfMeant(version: Replacement, temporary: string, maxRecordBytes: number): Outcome {
  const { place, retried, expiry } = version
  const { key, digest } = version.replaces
  // A worker that has died put it there for this very operation.
  if (retried && place.format.isOwn(version)) {
    unlinkAnyway(temporary)
    return { status: Status.DONE }
  }
  const now = Date.now()
  const found = readAtOnce(place, key, maxRecordBytes, now)
  if (found.kind === 'absent') {
    if (retried && expiry <= now) throw endedOrNot()
    return { status: Status.ABSENT }
  }
  if (found.kind === 'corrupt') return { status: Status.ABSENT, corrupt: found }
  if (isMeant(found.record.payload, digest)) return renameOver(temporary, place)
  // Before its worker died, this may have taken effect, and been built upon: nobody can say that it has not.
  if (retried) throw systemError('WORKER_LOST', 'rename', LOST)
  return { status: Status.SUPERSEDED }
}

const LOST = 'a worker thread died with this and something else is stored by now'

function renameOver(temporary: string, place: Place): Outcome {
  try {
    rename(temporary, place.file)
    return { status: Status.DONE }
  } catch (error) {
    // A delete that could not have the claim goes on without.
    if (isDirectoryInTheWay(error)) return { status: Status.ABSENT }
    throw error
  }
}
