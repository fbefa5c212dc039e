import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { waitForClaim } from './claim.js'
import type { Place } from './layout.js'
import { RECORD_HEADER, type RecordHeader, readHeader } from './record.js'

/** O_NONBLOCK: opening a FIFO in a session's place must not wait for a writer. */
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * What stands in a session's place.
 *
 * - `absent`: nothing
 * - `dead`: an empty file (a placeholder, or an update that was undone) or an expired record
 * - `alive`: a record that has not expired
 * - `alien`: a directory, a link, a FIFO or a device
 */
export type Liveness = 'absent' | 'dead' | 'alive' | 'alien'

/**
 * Looks at a session's place without reading its payload: this is the exclusive-open check of an update.
 *
 * The expiry rides on the file's modification time. A time in the future is trusted at once. One in the past
 * is not, since copying a directory without its times sets them to now: then the header has its say, and the
 * later of the two counts.
 */
export function liveness(file: string, now: number): Liveness {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  return stats === undefined ? 'absent' : livenessOf(stats, file, now)
}

/** The same, but nothing is only taken for nothing when nobody has taken it to look at. */
export function livenessOfPlace(place: Place, now: number): Liveness {
  const found = liveness(place.file, now)
  return found === 'absent' && waitForClaim(place) ? liveness(place.file, now) : found
}

/** The same for a file whose status is known already. */
export function livenessOf(stats: Stats, file: string, now: number): Liveness {
  if (!stats.isFile()) return 'alien'
  if (stats.size === 0) return 'dead'
  if (stats.mtimeMs > now) return 'alive'
  const header = peekHeader(file)
  return header !== undefined && header.header.expiry > now ? 'alive' : 'dead'
}

/** A record's header and its effective expiry. */
export interface PeekedHeader {
  readonly header: RecordHeader
  readonly expiry: number
}

/** Reads only the header of a file; `undefined` when there is none, or none of ours. */
export function peekHeader(file: string): PeekedHeader | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, READ_FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO')) return undefined
    throw error
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) return undefined
    const bytes = Buffer.allocUnsafe(RECORD_HEADER)
    const length = readSync(descriptor, bytes, 0, RECORD_HEADER, 0)
    const header = readHeader(bytes.subarray(0, length))
    return typeof header === 'string' ? undefined : { header, expiry: Math.max(header.expiry, stats.mtimeMs) }
  } finally {
    closeSync(descriptor)
  }
}
