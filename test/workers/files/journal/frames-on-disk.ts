import { readFileSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { SEGMENT_HEADER } from '#dist/workers/files/journal/segment.js'
import type { SealBinding } from '#dist/workers/seal/index.js'
import { sealBy } from '../../../fixtures/seal-keys.js'
import type { JournalDriver } from './journal-driver.js'

/** A seal by one key, by the one after it, which opens what the first has sealed, and by the second alone. */
export const OLD = sealBy(1)
export const ROTATED = sealBy(2, 1)
export const NEW = sealBy(2)
/** One that reads what is not sealed, too. */
export const LENIENT: SealBinding = { ...NEW, acceptUnsealed: true }

/** Where a frame lies in its segment. */
export interface FrameSpan {
  readonly offset: number
  readonly length: number
}

/** The path of a segment of a journal: its last one, unless told. */
export function segmentPath(driver: JournalDriver, index = -1): string {
  return `${driver.journalDirectory}/${driver.segments.at(index)}`
}

/** The frames of a segment, all of which are whole. */
export function framesOf(segment: Buffer): FrameSpan[] {
  const frames: FrameSpan[] = []
  for (let offset = SEGMENT_HEADER; offset < segment.length; ) {
    const length = segment.readUInt32LE(offset + 4)
    frames.push({ offset, length })
    offset += length
  }
  return frames
}

/** Makes the checksum of a frame right, whatever is in it. */
export function fixChecksum(segment: Buffer, { offset, length }: FrameSpan): void {
  segment.writeUInt32LE(crc32(segment.subarray(offset + 12, offset + length)), offset + 8)
}

/** Makes a segment one of the first format. */
export function makeOldFormat(path: string): void {
  const bytes = readFileSync(path)
  bytes.writeUInt32LE(1, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(8, SEGMENT_HEADER)), 4)
  writeFileSync(path, bytes)
}
