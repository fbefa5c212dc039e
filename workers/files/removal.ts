import { hasCode } from '../protocol/index.js'
import { underClaim } from './claim.js'
import type { Layout, Place } from './layout.js'
import { liveness } from './liveness.js'
import { putBack } from './put-back.js'
import { rename } from './rename.js'
import { unlinkIfPresent } from './unlink.js'

/**
 * Removes what stands in a session's place if, and only if, it is what the caller thinks it is.
 *
 * POSIX has no "unlink this file if it is still that one". So the file is first taken to a private name, in
 * one atomic step, and looked at there: if it is meant, it goes; if another process has just put a newer
 * version there, that one is put back, by a link, so that it can never replace a still newer one. A crash in
 * between leaves the taken file, and the sweep puts it back. A claim makes sure that one process at a time does
 * this: while another holds it, nothing is removed.
 *
 * `isMeant` is asked twice, with the public path and with the private one. `keepAs` keeps the file under that
 * path instead of unlinking it.
 */
export function removeIfMeant(
  layout: Layout,
  place: Place,
  isMeant: (path: string) => boolean,
  keepAs?: string,
): boolean {
  return underClaim(place, () => takeIfMeant(layout, place, isMeant, keepAs)) ?? false
}

/** Removes what is dead: an expired record, or an empty file that was left behind. */
export function removeIfDead(layout: Layout, place: Place): boolean {
  return removeIfMeant(layout, place, (path) => {
    const standing = liveness(place.format, path, Date.now())
    // The move to the private name has made a placeholder young again.
    return standing === 'dead' || (standing === 'reserved' && path !== place.file)
  })
}

function takeIfMeant(
  layout: Layout,
  place: Place,
  isMeant: (path: string) => boolean,
  keepAs: string | undefined,
): boolean {
  // Looked at before, too: while it is taken a newer version could not be read, and a create could slip in.
  if (!isMeant(place.file)) return false
  const taken = layout.taken(place)
  try {
    rename(place.file, taken)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  let gone = false
  try {
    if (!isMeant(taken)) return false
    if (keepAs === undefined) unlinkIfPresent(taken)
    else rename(taken, keepAs)
    gone = true
    return true
  } finally {
    if (!gone) putBack(taken, place.file)
  }
}
