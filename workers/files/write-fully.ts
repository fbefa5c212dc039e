import { writeSync } from 'node:fs'
import { systemError } from '../protocol/index.js'

/** What {@link writeFully} rests on; tests bring their own. */
export type WriteCall = (
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => number

/**
 * Writes the bytes from `start` to `end` to a position of a file. A short write is continued; one that makes no progress is
 * an error, never a truncated record.
 */
export function writeFully(
  descriptor: number,
  bytes: Uint8Array,
  { start, end, position }: { readonly start: number; readonly end: number; readonly position: number },
  write: WriteCall = writeSync,
): void {
  for (let offset = start; offset < end; ) {
    const count = write(descriptor, bytes, offset, end - offset, position + offset - start)
    if (count <= 0) throw systemError('EIO', 'write', 'the disk takes no more bytes')
    offset += count
  }
}
