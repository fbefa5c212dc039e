import { lstatSync, type Stats } from 'node:fs'
import { waitForClaim } from './claim.js'
import type { Place } from './layout.js'
import { peekHeader } from './peek.js'
import { isTombstone } from './tombstone.js'

/**
 * What stands in a session's place.
 *
 * - `absent`: nothing
 * - `dead`: an empty file, which is a placeholder, or an expired record
 * - `buried`: a tombstone; a delete was here a moment ago
 * - `alive`: a record that has not expired
 * - `alien`: a directory, a link, a FIFO or a device
 */
export type Liveness = 'absent' | 'dead' | 'buried' | 'alive' | 'alien'

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
  if (found !== 'absent') return found
  waitForClaim(place)
  return liveness(place.file, now)
}

/** The same for a file whose status is known already. */
export function livenessOf(stats: Stats, file: string, now: number): Liveness {
  if (!stats.isFile()) return isTombstone(stats) ? 'buried' : 'alien'
  if (stats.size === 0) return 'dead'
  if (stats.mtimeMs > now) return 'alive'
  const header = peekHeader(file)
  return header !== undefined && header.header.expiry > now ? 'alive' : 'dead'
}
