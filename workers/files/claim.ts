import { closeSync, constants, existsSync, lstatSync, openSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import type { Place } from './layout.js'
import { pause } from './pause.js'
import { unlinkIfPresent } from './unlink.js'

/** Milliseconds after which a claim is taken for one that a crash left behind: a holder needs microseconds. */
export const CLAIM_LIFE = 500

const CLAIM_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

/**
 * Django's exclusive open, turned to a file of its own: whoever creates `.name.claim` may, until it takes it away
 * again, take a dead or damaged file out of a session's place. Two at once could, between looking and taking, take
 * what a third has just created, and then two creates would have won.
 *
 * Saves do not ask for it: they replace whatever is there. All others that find nothing there look for it; see
 * {@link waitForClaim}.
 */
export function underClaim<Result>(place: Place, task: () => Result): Result | undefined {
  if (!claim(place.claim)) return undefined
  try {
    return task()
  } finally {
    unlinkIfPresent(place.claim)
  }
}

function claim(path: string): boolean {
  try {
    closeSync(openSync(path, CLAIM_FLAGS, 0o600))
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats !== undefined && Date.now() - stats.ctimeMs > CLAIM_LIFE) unlinkIfPresent(path)
  return false
}

/**
 * For whoever finds nothing in a session's place: what was there may have been taken only to be looked at. Waits until
 * it is back or gone for good; whether there was anything to wait for.
 */
export function waitForClaim(place: Place): boolean {
  if (!existsSync(place.claim)) return false
  const since = performance.now()
  do pause(1)
  while (existsSync(place.claim) && performance.now() - since < CLAIM_LIFE)
  return true
}
