import { fstatSync, fsyncSync, readSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import type { RecordOwner } from '../record/owner.js'
import { DAMAGED_EXPIRY, RECORD_HEADER } from '../record/record.js'
import { underClaimHolding } from './claim.js'
import { closeAnyway } from './close.js'
import { settled } from './half-written.js'
import type { Layout, Place } from './layout.js'
import { lookInto } from './peek.js'
import { readWhole } from './read-whole.js'
import { LARGER_THAN_ANY } from './record-format.js'
import { rename } from './rename.js'
import { linkIntoPlace } from './save-protocol.js'
import { syncDirectory } from './sync-directory.js'
import { type Beside, writeBeside } from './temporary.js'
import { unlinkAnyway, unlinkIfPresent } from './unlink.js'

/** What sealing anew needs to know about its surroundings. */
export interface ResealContext {
  readonly layout: Layout
  readonly maxRecordBytes: number
  /** Whether directory entries have to survive a power cut. */
  readonly fsync: boolean
}

/** `overtaken`: somebody was at it, or has stored something newer; a save seals by the newest key anyway. */
export type ResealOutcome =
  | { readonly kind: 'resealed' | 'current' | 'overtaken' }
  | { readonly kind: 'refused'; readonly reason: string }

/** The version that was looked at: its header with write id and CRC, and its file's time. */
interface Seen {
  readonly header: Buffer
  readonly fileTime: number
  /** The same, sealed by the newest key. */
  readonly bytes: Buffer
}

const CURRENT: ResealOutcome = { kind: 'current' }
const OVERTAKEN: ResealOutcome = { kind: 'overtaken' }
const RESEALED: ResealOutcome = { kind: 'resealed' }

/**
 * Seals a session by the newest key, unless it is. Nothing else of it changes: neither what it says, nor until when, nor the
 * write id by which a save that is tried again recognises it.
 *
 * Saves and updates hold no claim, so nothing may be renamed over what stands in the place: it could be newer. Under the
 * claim it is taken out, as in {@link removeIfMeant}, looked at once more, and the new record linked in, which fails if
 * anything has come meanwhile. Whoever finds nothing waits for the claim. A crash in between leaves claim and session
 * where the next one who looks for it finds both and puts it back. A touch may move the expiry of the very file that is
 * taken out: it looks afterwards whether that is still in its place, and touches the new one if not.
 *
 * The record is on the disk before it takes the place of one that has been safe there for long.
 */
export function reseal(context: ResealContext, place: Place, owner: RecordOwner): ResealOutcome {
  const seen = look(context, place, owner)
  if ('kind' in seen) return seen
  const { bytes, fileTime } = seen
  const written = writeBeside(context.layout, place.directory, {
    bytes,
    start: 0,
    end: bytes.length,
    // As it was set: what a file system keeps of it is a little less.
    fileTime: Math.round(fileTime),
  })
  try {
    fsyncSync(written.descriptor)
    if (underClaimHolding(place, () => exchange(place, seen, written)) !== true) return OVERTAKEN
    if (context.fsync) syncDirectory(place.directory)
    return RESEALED
  } finally {
    closeAnyway(written.descriptor)
    unlinkAnyway(written.temporary)
  }
}

function look({ maxRecordBytes }: ResealContext, place: Place, owner: RecordOwner): Seen | ResealOutcome {
  const { format } = place
  const found = lookInto(place.file, (descriptor, stats): Seen | ResealOutcome => {
    if (stats.size > format.longest(maxRecordBytes)) return refused(LARGER_THAN_ANY)
    const { bytes, resealed } = settled(
      () => {
        const read = readWhole(descriptor, stats.size)
        return { bytes: read, resealed: format.reseal?.(read, owner) }
      },
      (found) => found.resealed === DAMAGED_EXPIRY,
    )
    if (resealed === undefined) return CURRENT
    if (typeof resealed === 'string') return refused(resealed)
    return { header: Buffer.from(bytes.subarray(0, RECORD_HEADER)), fileTime: stats.mtimeMs, bytes: resealed }
  })
  return found ?? OVERTAKEN
}

function exchange(place: Place, seen: Seen, { temporary }: Beside): boolean {
  // Looked at before, too: while it is taken out, others have to wait.
  if (!isUnchanged(place.file, seen)) return false
  try {
    rename(place.file, place.held)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  // What is held by then goes back when the claim is given up.
  if (!isUnchanged(place.held, seen) || !linkIntoPlace(temporary, place)) return false
  unlinkIfPresent(place.held)
  return true
}

/** Whether this very version is there, and nobody has touched it. */
function isUnchanged(file: string, { header, fileTime }: Seen): boolean {
  const found = lookInto(file, (descriptor) => {
    const bytes = Buffer.allocUnsafe(RECORD_HEADER)
    const length = readSync(descriptor, bytes, 0, RECORD_HEADER, 0)
    // After the header: a touch changes the time last.
    const stats: Stats = fstatSync(descriptor)
    return length === RECORD_HEADER && bytes.equals(header) && stats.mtimeMs === fileTime
  })
  return found === true
}

function refused(reason: string): ResealOutcome {
  return { kind: 'refused', reason }
}
