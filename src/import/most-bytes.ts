import { constants } from 'node:buffer'
import { numberOption } from '../option-checks.js'

/** As in `files({ maxRecordBytes })`. */
const DEFAULT_RECORD_BYTES = 2 ** 20

/** How much longer JSON, an encoding, an encryption and JSON around it may make what an engine then stores. */
const ROOM = 16

/**
 * Bytes past which a file of a source holds no session that could be stored, so that it need not be read. Whether what is in
 * a smaller one can be is for the engine to say. No more than Node can make a text of.
 *
 * @param maxRecordBytes as in `files({ maxRecordBytes })`. Default 1 MiB, and never taken for less
 * @throws {TypeError} when it is no number of bytes
 */
export function mostSourceBytes(maxRecordBytes: number | undefined): number {
  const bytes = numberOption('maxRecordBytes', maxRecordBytes, DEFAULT_RECORD_BYTES, {
    least: 1,
    most: 2 ** 28,
    unit: 'bytes',
    whole: true,
  })
  return Math.min(ROOM * Math.max(bytes, DEFAULT_RECORD_BYTES), constants.MAX_STRING_LENGTH)
}
