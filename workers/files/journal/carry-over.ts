import { BATCH_HEADER } from '../../protocol/index.js'
import type { NewestVersions } from './newest.js'
import type { SegmentLog } from './segment-log.js'

/** Bytes of one frame, unless a single session is larger. */
const MOST_BYTES = 2 ** 20

/** Appends entries, whole, as they are now, so that the segments which brought them can go. */
export function carryOver(newest: NewestVersions, entries: Iterable<number>, log: SegmentLog): void {
  let frame: number[] = []
  let length = BATCH_HEADER
  for (const entry of entries) {
    if (frame.length > 0 && length + newest.length(entry) > MOST_BYTES) {
      append(newest, frame, length, log)
      frame = []
      length = BATCH_HEADER
    }
    frame.push(entry)
    length += newest.length(entry)
  }
  if (frame.length > 0) append(newest, frame, length, log)
}

function append(newest: NewestVersions, entries: readonly number[], length: number, log: SegmentLog): void {
  const bytes = Buffer.from(new ArrayBuffer(length))
  let offset = BATCH_HEADER
  for (const entry of entries) {
    newest.copyTo(entry, bytes, offset)
    offset += newest.length(entry)
  }
  log.append(bytes, new DataView(bytes.buffer), length, entries.length)
}
