import { hasCode } from '../protocol/index.js'
import { underClaimHolding } from './claim.js'
import type { Place } from './layout.js'
import { liveness } from './liveness.js'
import { rename } from './rename.js'
import { unlinkIfPresent } from './unlink.js'

/**
 * Removes what stands in a session's place if, and only if, it is what the caller thinks it is.
 *
 * POSIX has no "unlink this file if it is still that one". So the file is first taken out of its place, in one atomic step,
 * to where the claim holds it, and looked at there: if it is meant, it goes; if another process has just put a newer version
 * there, that one is put back, by a link, so that it can never replace a still newer one. The claim makes sure that one
 * process at a time does this: while another holds it, nothing is removed. A crash in between leaves both, and whoever
 * looks for the session next puts it back: nobody can miss it, or delete what is not there, and meet it again later.
 *
 * `isMeant` is asked twice, with the public path and with the one where it is held. `keepAs` keeps the file under that path
 * instead of unlinking it.
 */
export function removeIfMeant(place: Place, isMeant: (path: string) => boolean, keepAs?: string): boolean {
  return underClaimHolding(place, () => takeIfMeant(place, isMeant, keepAs)) ?? false
}

/** Removes what is dead: an expired record, or an empty file that was left behind. */
export function removeIfDead(place: Place): boolean {
  return removeIfMeant(place, (path) => {
    const standing = liveness(place.format, path, Date.now())
    // The move out of its place has made a placeholder young again.
    return standing === 'dead' || (standing === 'reserved' && path !== place.file)
  })
}

function takeIfMeant(place: Place, isMeant: (path: string) => boolean, keepAs: string | undefined): boolean {
  // Looked at before, too: while it is held a newer version could not be read, and a create could slip in.
  if (!isMeant(place.file)) return false
  try {
    rename(place.file, place.held)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  // What is held still goes back when the claim is given up.
  if (!isMeant(place.held)) return false
  // Somebody who took the claim for left behind may have put it back.
  if (keepAs === undefined) return unlinkIfPresent(place.held)
  rename(place.held, keepAs)
  return true
}
