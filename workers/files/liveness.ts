import { lstatSync, type Stats } from 'node:fs'
import { waitForClaim } from './claim.js'
import type { Place } from './layout.js'
import { isOlder } from './litter.js'
import type { RecordFormat, RecordStanding } from './record-format.js'
import { isTombstone } from './tombstone.js'

/**
 * What stands in a session's place.
 *
 * - `absent`: nothing
 * - `reserved`: an empty file, which somebody has just made so that nobody else creates this session
 * - `dead`: an empty file that was left behind, or an expired record
 * - `buried`: a tombstone; a delete was here a moment ago
 * - `alive`: a record that has not expired
 * - `foreign`: what may be another program's record, or is sealed by a key that we lack; there is no session here, and no room
 *   for a new one
 * - `alien`: a directory, a link, a FIFO or a device
 */
export type Liveness = RecordStanding | 'absent' | 'reserved' | 'buried' | 'alien'

/** Looks at what stands in a session's place, or was taken from it: this is the exclusive-open check of an update. */
export function liveness(format: RecordFormat, file: string, now: number): Liveness {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  return stats === undefined ? 'absent' : livenessOf(format, stats, file, now)
}

/** The same, but nothing is only taken for nothing when nobody has taken it to look at. */
export function livenessOfPlace(place: Place, now: number): Liveness {
  const found = liveness(place.format, place.file, now)
  if (found !== 'absent') return found
  waitForClaim(place)
  return liveness(place.format, place.file, now)
}

/** The same for a file whose status is known already. */
export function livenessOf(format: RecordFormat, stats: Stats, file: string, now: number): Liveness {
  if (!stats.isFile()) return isTombstone(stats) ? 'buried' : 'alien'
  if (stats.size === 0) return isReserved(format, stats) ? 'reserved' : 'dead'
  return format.standing(stats, file, now)
}

function isReserved({ placeholderLife }: RecordFormat, empty: Stats): boolean {
  return placeholderLife > 0 && !isOlder(empty, placeholderLife)
}
