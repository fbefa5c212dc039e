import { closeSync, constants, fsyncSync, lstatSync, lutimesSync, openSync, type Stats } from 'node:fs'
import { hasCode, Opcode, Status } from '../protocol/index.js'
import { waitForClaim } from './claim.js'
import type { Place } from './layout.js'
import { livenessOf } from './liveness.js'
import { readPlace } from './load.js'
import { composeRecord } from './record.js'
import { type SaveContext, save } from './save-protocol.js'

/** What a touch needs to know. */
export interface Touch {
  readonly place: Place
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly expiry: number
  readonly maxRecordBytes: number
}

/**
 * Moves a session's expiry: one `lutimes` on its file. Only the rare touch that shortens a session's life
 * rewrites the record, since of the expiry in the header and the one on the file the later counts.
 */
export function touch(context: SaveContext, request: Touch): Status {
  const { place, expiry } = request
  const now = Date.now()
  const stats = statusOf(place)
  if (stats === undefined || livenessOf(stats, place.file, now) !== 'alive') return Status.ABSENT
  // A file's time comes back with its fraction rounded to what the file system keeps. One in the past says that the
  // file was copied without its times: only the header knows the expiry.
  if (expiry < stats.mtimeMs - 1 || stats.mtimeMs <= now) return rewrite(context, request, now)
  // Once more, for it may have been taken away only to be looked at.
  return setTimes(context, request) || (statusOf(place) !== undefined && setTimes(context, request))
    ? Status.DONE
    : Status.ABSENT
}

/** False when the file has gone. */
function setTimes(context: SaveContext, { place, expiry }: Touch): boolean {
  try {
    lutimesSync(place.file, expiry / 1000, expiry / 1000)
    if (context.fsync) syncFile(place.file)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

function statusOf(place: Place): Stats | undefined {
  const stats = lstatSync(place.file, { throwIfNoEntry: false })
  if (stats !== undefined) return stats
  waitForClaim(place)
  return lstatSync(place.file, { throwIfNoEntry: false })
}

function rewrite(context: SaveContext, request: Touch, now: number): Status {
  const { place, key, expiry } = request
  const found = readPlace(place, key, request.maxRecordBytes, now)
  if (found.kind !== 'record') return Status.ABSENT
  const { record } = found
  const bytes = composeRecord(record.key, record.payload, { ...record, expiry, writtenByUpdate: true })
  return save(context, {
    opcode: Opcode.UPDATE,
    place,
    bytes,
    start: 0,
    end: bytes.length,
    expiry,
    writeId: record.writeId,
    retried: false,
  })
}

function syncFile(file: string): void {
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
