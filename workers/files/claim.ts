import { lstatSync, openSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { closeAnyway } from './close.js'
import { isHeld } from './held.js'
import type { Place } from './layout.js'
import { isOlder } from './litter.js'
import { NEW_FILE_FLAGS } from './open-flags.js'
import { pause } from './pause.js'
import { putBack } from './put-back.js'
import { rename } from './rename.js'
import { busy } from './rounds.js'
import { unlinkAnyway, unlinkIfPresent } from './unlink.js'

/** Milliseconds after which a claim is taken for one that a crash left behind: a holder needs microseconds. */
export const CLAIM_LIFE = 500

/**
 * Django's exclusive open, turned to a file of its own: whoever creates `.name.claim` may, until it takes it away
 * again, do in two steps what POSIX has no single one for: take a dead or damaged file out of a session's place, take
 * a session out of it and bury it. Between the two there is nothing in the place, so a create asks for the claim, too:
 * what it finds empty has to be empty.
 *
 * Saves do not ask for it: they replace whatever is there. Nor do updates: they find nothing. All that find nothing
 * look for it; see {@link waitForClaim}. Who dies with it is followed by whoever meets it next, and that one puts back
 * what was held; see {@link abandon}.
 *
 * @returns `undefined` when somebody else holds it.
 */
export function underClaim<Result>(place: Place, task: () => Result): Result | undefined {
  return claim(place) ? withClaim(place, task) : undefined
}

/**
 * The same for whoever can wait: for the claim, longer than a crash can keep it occupied. When it cannot be had, that is
 * an error, and the task is not done.
 */
export function underClaimInTime<Result>(place: Place, task: () => Result): Result {
  if (claimPatiently(place, claim)) return withClaim(place, task)
  throw busy('open')
}

/** The same for whoever must not be refused: when it cannot be had, on a full disk for one, the task is done without. */
export function underClaimIfPossible<Result>(place: Place, task: () => Result): Result {
  return claimPatiently(place, claimIfPossible) ? withClaim(place, task) : task()
}

/**
 * The same as {@link underClaim} for whoever takes a session out of its place to where claims hold it: unless the task says
 * that nothing is held any more, what is there in the end goes back. While it cannot, the claim stays: others look for what is
 * missing then.
 */
export function underClaimHolding(place: Place, task: () => boolean): boolean | undefined {
  if (!claim(place)) return undefined
  let isOver = false
  try {
    isOver = task()
    return isOver
  } finally {
    if (isOver) unlinkAnyway(place.claim)
    else abandon(place)
  }
}

function withClaim<Result>(place: Place, task: () => Result): Result {
  try {
    return task()
  } finally {
    // One that stays is taken for left behind before long.
    unlinkAnyway(place.claim)
  }
}

/** @param attempt False when somebody else holds it; `undefined` when there is no use in waiting. */
function claimPatiently(place: Place, attempt: (place: Place) => boolean | undefined): boolean {
  const since = performance.now()
  while (performance.now() - since < 2 * CLAIM_LIFE) {
    const claimed = attempt(place)
    if (claimed !== false) return claimed === true
    pause(1)
  }
  return false
}

function claimIfPossible(place: Place): boolean | undefined {
  try {
    return claim(place)
  } catch {
    return undefined
  }
}

function claim(place: Place): boolean {
  try {
    closeAnyway(openSync(place.claim, NEW_FILE_FLAGS, 0o600))
    return true
  } catch (error) {
    // Held: on Windows, one that has been taken away is there until nobody has it open, and cannot even be looked at.
    if (!hasCode(error, 'EEXIST') && !isHeld(error)) throw error
  }
  const stats = statusOf(place.claim)
  if (typeof stats === 'object' && isLeftBehind(stats)) abandon(place)
  return false
}

/**
 * Takes away a claim, also of a holder who has died; before, a session goes back that was taken out of its place, unless a
 * newer one stands there. False when it is gone already.
 */
export function abandon(place: Place): boolean {
  putBackHeld(place)
  return unlinkIfPresent(place.claim)
}

function putBackHeld({ held, file }: Place): void {
  try {
    // Without a look at it first, which may fail as well.
    putBack(held, file)
  } catch (error) {
    // Nothing is held, or somebody else has just put it back.
    if (hasCode(error, 'ENOENT')) return
    // No link can be made: better this way than not at all.
    if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) throw error
    rename(held, file)
  }
}

/** `held`: on Windows, where one that goes when it is closed cannot be looked at. */
function statusOf(path: string): Stats | 'held' | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isHeld(error)) return 'held'
    throw error
  }
}

/** Older than any holder needs, or from a future that the clock has been set back from. */
function isLeftBehind(claim: Stats): boolean {
  return isOlder(claim, CLAIM_LIFE)
}

/**
 * For whoever finds nothing in a session's place: what was there may have been taken only to be looked at, or is about
 * to be buried. Waits until it is back or gone for good; a claim that a crash has left behind is nothing to wait for, but
 * what its holder had taken goes back. After it the place has to be looked at again in any case: what was taken may have
 * been put back just before this.
 */
export function waitForClaim(place: Place): void {
  if (watchClaim(place) === 'left behind') putBackHeld(place)
}

/** The same for whoever must not change anything. */
export function watchClaim(place: Place): 'released' | 'left behind' | 'held' {
  const since = performance.now()
  for (;;) {
    const claim = statusOf(place.claim)
    if (claim === undefined) return 'released'
    if (claim !== 'held' && isLeftBehind(claim)) return 'left behind'
    if (performance.now() - since > CLAIM_LIFE) return 'held'
    pause(1)
  }
}
