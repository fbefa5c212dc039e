import { randomBytes } from 'node:crypto'
import { constants, copyFileSync } from 'node:fs'
import type { CorruptNotice } from '../../protocol/index.js'
import { rename } from '../rename.js'
import { type SegmentHeader, segmentName } from './segment.js'

/** A segment of a journal, a part of which is damaged. */
export interface DamagedSegment {
  readonly number: number
  /** `undefined` when it is that which is damaged. */
  readonly header: SegmentHeader | undefined
}

/** What a replay does with the damage that it meets. */
export interface Evidence {
  /** Nothing in the segment counts, so it has no place in the journal any more. */
  ofWhole(segment: DamagedSegment, reason: string): CorruptNotice
  /** What counts in the segment is still needed: it has to stay until that is in files. */
  ofPart(segment: DamagedSegment, reason: string): CorruptNotice
}

/** Keeps what is damaged beside the journal, for whoever wants to look at it. */
export function keepEvidence(directory: string): Evidence {
  return {
    ofWhole(segment, reason) {
      const keptAs = damagedName(segment)
      rename(`${directory}/${segmentName(segment.number)}`, `${directory}/${keptAs}`)
      return { reason, keptAs }
    },
    ofPart(segment, reason) {
      const keptAs = damagedName(segment)
      try {
        copyFileSync(
          `${directory}/${segmentName(segment.number)}`,
          `${directory}/${keptAs}`,
          constants.COPYFILE_FICLONE,
        )
        return { reason, keptAs }
      } catch {
        // No room for the evidence: that it was there is told all the same.
        return { reason, keptAs: undefined }
      }
    },
  }
}

/** Whether a file of a journal's directory is such evidence. */
export function isEvidence(name: string): boolean {
  return DAMAGED.test(name)
}

const DAMAGED = /^[0-9]{12}\.log\.[0-9a-f]{8}\.damaged$/

/** Numbers begin anew with each journal; salts do not. */
function damagedName({ number, header }: DamagedSegment): string {
  const salt = header?.salt ?? randomBytes(4).readUInt32LE(0)
  return `${segmentName(number)}.${salt.toString(16).padStart(8, '0')}.damaged`
}
