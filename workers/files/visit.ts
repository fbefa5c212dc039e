import { lstatSync, type Stats } from 'node:fs'
import { errorCode, type WalkKind } from '../protocol/index.js'
import { DAMAGED_EXPIRY, UNREADABLE_EXPIRY } from '../record/record.js'
import { abandon, CLAIM_LIFE, underClaimIfPossible, waitForClaim } from './claim.js'
import type { Layout, Place } from './layout.js'
import { isOlder } from './litter.js'
import { type Liveness, livenessOf } from './liveness.js'
import { readPlace } from './load.js'
import type { DecodedName } from './names.js'
import { putBack } from './put-back.js'
import { ownerOf } from './record-owner.js'
import { removeIfDead, removeIfMeant } from './removal.js'
import { type ResealOutcome, reseal } from './reseal.js'
import { isSame } from './set-aside.js'
import type { Tally } from './tally.js'
import { exhume, isTombstone } from './tombstone.js'
import { TOMBSTONE_LIFE, type Tombstones } from './tombstones.js'
import { unlinkIfPresent } from './unlink.js'

/** Looks at one directory entry and does what the walk is for. */
export type EntryVisit = (layout: Layout, directory: string, fileName: string, tally: Tally) => void

/** What visits need to know besides the layout. */
export interface VisitContext {
  readonly orphanGrace: number
  readonly maxRecordBytes: number
  readonly fsync: boolean
  readonly tombstones: Tombstones
}

/** The visit of each kind of walk. */
export function visitFor(kind: WalkKind, context: VisitContext): EntryVisit {
  switch (kind) {
    case 'keys':
      return (layout, directory, fileName, tally) => {
        const session = ownLiveSession(layout, directory, fileName)
        if (session === undefined) return
        const key = 'key' in session.name ? session.name.key : keyInside(session.place, context)
        if (key !== undefined) tally.keys.push(key)
      }
    case 'count':
      return (layout, directory, fileName, tally) => {
        if (ownLiveSession(layout, directory, fileName) !== undefined) tally.live++
      }
    case 'clear':
      return (layout, directory, fileName, tally) => clearOne(layout, directory, fileName, tally, context)
    case 'sweep':
      return (layout, directory, fileName, tally) => sweepOne(layout, directory, fileName, tally, context)
    case 'reseal':
      return (layout, directory, fileName, tally) => {
        const told = tally.corrupt.length
        sweepOne(layout, directory, fileName, tally, context)
        // What is no session is told of once.
        if (tally.corrupt.length === told)
          resealOne(layout, directory, originOf(layout, fileName), tally, context)
      }
  }
}

/** The name of the session file that an entry belongs to, if it is a claim or was taken; else its own. */
function originOf(layout: Layout, fileName: string): string {
  const entry = layout.classify(fileName)
  return entry.kind === 'claim' || entry.kind === 'taken' ? entry.origin : fileName
}

/** A session of this very prefix that has not expired. */
function ownLiveSession(
  layout: Layout,
  directory: string,
  fileName: string,
): { readonly name: DecodedName; readonly place: Place } | undefined {
  const entry = layout.classify(fileName)
  if (entry.kind !== 'session') return undefined
  const place = layout.placeOfEntry(directory, fileName)
  const peeked = place.format.peek(place.file)
  if (peeked === undefined || peeked.expiry <= Date.now()) return undefined
  return isOfThisPrefix(entry.name, peeked.header.keyLength) ? { name: entry.name, place } : undefined
}

/**
 * Two applications in one directory, prefixes `app` and `app2`: the file `app2x` is key `x` of the second, and the
 * first would read it as its own `2x`. The key's length in the header tells, where there is one.
 */
function isOfThisPrefix(name: DecodedName, keyLength: number | undefined): boolean {
  return keyLength === undefined || 'digest' in name || name.key.length === keyLength
}

/** The key of a session whose name is a digest; it is in the record, unless names are hashed on purpose. */
function keyInside(place: Place, context: VisitContext): string | undefined {
  const header = place.format.peek(place.file)?.header
  if (header === undefined || !header.keyIncluded) return undefined
  const found = readPlace(place, undefined, context.maxRecordBytes, Date.now())
  return found.kind === 'record' ? found.record.key : undefined
}

/**
 * Also what is only on its way out of its place or back: a cleared session must not come back with whoever puts it there. So
 * claims, and what was taken, stand for the place that they belong to.
 */
function clearOne(
  layout: Layout,
  directory: string,
  fileName: string,
  tally: Tally,
  context: VisitContext,
): void {
  const origin = originOf(layout, fileName)
  const standsFor = layout.classify(origin)
  if (standsFor.kind !== 'session') return
  const place = layout.placeOfEntry(directory, origin)
  // No record, or another application's: not ours to delete.
  const isOurs = (file: string): boolean => {
    const header = place.format.peek(file)?.header
    return header !== undefined && isOfThisPrefix(standsFor.name, header.keyLength)
  }
  if (layout.classify(fileName).kind === 'taken') {
    const taken = `${directory}/${fileName}`
    // What is there still when nobody else holds the claim was taken by somebody who has died.
    underClaimIfPossible(place, () => {
      if (isOurs(taken)) putBack(taken, place.file)
    })
  }
  if (!isOurs(place.file)) {
    waitForClaim(place)
    if (!isOurs(place.file)) return
  }
  if (context.tombstones.bury(layout, place)) tally.live++
}

function sweepOne(
  layout: Layout,
  directory: string,
  fileName: string,
  tally: Tally,
  context: VisitContext,
): void {
  const entry = layout.classify(fileName)
  if (entry.kind === 'foreign' || entry.kind === 'aside') return
  const path = `${directory}/${fileName}`
  const stats = lstatSync(path)
  switch (entry.kind) {
    case 'session':
      return sweepSession(layout, directory, fileName, entry.name, stats, tally, context)
    case 'temporary':
      // A directory is a tombstone that one delete took from another.
      if (isOlder(stats, context.orphanGrace) && (exhume(path) || unlinkIfPresent(path))) tally.orphans++
      return
    case 'claim':
      if (isOlder(stats, CLAIM_LIFE) && abandon(layout.placeOfEntry(directory, entry.origin))) tally.orphans++
      return
    case 'taken':
      // Its taker died before it had made up its mind.
      if (!isOlder(stats, context.orphanGrace)) return
      if (isToKeep(livenessOf(layout.format, stats, path, Date.now())))
        putBack(path, layout.placeOfEntry(directory, entry.origin).file)
      else unlinkIfPresent(path)
      tally.orphans++
  }
}

/** What cannot be opened is told of, and left where it is: somebody may have the key. */
function resealOne(
  layout: Layout,
  directory: string,
  fileName: string,
  tally: Tally,
  context: VisitContext,
): void {
  const session = ownLiveSession(layout, directory, fileName)
  if (session === undefined) return
  const { name, place } = session
  let outcome: ResealOutcome
  try {
    const attempt = (): ResealOutcome => reseal({ ...context, layout }, place, ownerOf(fileName, name))
    outcome = attempt()
    // What overtook it may have been the claim of a dead process, which is out of the way by now.
    if (outcome.kind === 'overtaken') outcome = attempt()
  } catch (error) {
    outcome = { kind: 'refused', reason: `could not be sealed anew: ${errorCode(error) ?? 'UNKNOWN'}` }
  }
  if (outcome.kind === 'resealed') tally.resealed++
  if (outcome.kind === 'refused') tally.refused.push({ reason: outcome.reason, keptAs: undefined })
}

function sweepSession(
  layout: Layout,
  directory: string,
  fileName: string,
  name: DecodedName,
  stats: Stats,
  tally: Tally,
  context: VisitContext,
): void {
  if (isTombstone(stats)) {
    if (isOlder(stats, TOMBSTONE_LIFE) && exhume(`${directory}/${fileName}`)) tally.orphans++
    return
  }
  if (!stats.isFile()) {
    tally.corrupt.push({ reason: 'no regular file', keptAs: undefined })
    return
  }
  const now = Date.now()
  // The usual case, decided by the file's time alone.
  const { format } = layout
  if (stats.size > 0 && format.isAliveByTime(stats, now)) return
  const place = layout.placeOfEntry(directory, fileName)
  if (stats.size === 0) {
    // An empty file is a placeholder; its maker may still be about.
    const empty = (taken: string) => isEmptyFile(lstatSync(taken))
    if (isOlder(stats, context.orphanGrace) && removeIfMeant(place, empty)) tally.orphans++
    return
  }
  const peeked = format.peek(place.file)
  if (peeked === undefined) {
    if (isToKeep(format.standing(stats, place.file, now))) return
    // Expired files are what others take away, too: only one that is still there was no record.
    if (isSame(stats)(place.file)) tally.corrupt.push({ reason: 'no session record', keptAs: undefined })
    return
  }
  if (!isOfThisPrefix(name, peeked.header.keyLength)) return
  // Not to be taken for dead; whoever loads it moves it aside.
  if (peeked.expiry === UNREADABLE_EXPIRY) tally.corrupt.push({ reason: DAMAGED_EXPIRY, keptAs: undefined })
  if (peeked.expiry > now) return
  if (removeIfDead(place)) tally.expired++
}

/** Also what may be another program's. */
function isToKeep(standing: Liveness): boolean {
  return standing === 'alive' || standing === 'foreign'
}

/** On some file systems an empty directory, and so a tombstone, has no size either. */
function isEmptyFile(stats: Stats): boolean {
  return stats.isFile() && stats.size === 0
}
