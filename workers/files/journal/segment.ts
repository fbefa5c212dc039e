import { randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { systemError } from '../../protocol/index.js'
import { closeAnyway } from '../close.js'
import { CHANGE_FLAGS, NEW_FILE_FLAGS } from '../open-flags.js'
import { rename } from '../rename.js'
import { syncDirectory } from '../sync-directory.js'
import { unlinkAnyway, unlinkIfPresent } from '../unlink.js'
import { writeFully } from '../write-fully.js'

/*
 * A segment is one file of the journal: a header and frames. Little-endian:
 *
 *   0  magic "CTJL"        4  u32 CRC-32 of all that follows     8  u32 format version    12  u32 salt
 *  16  f64 sequence number of its first frame                   24  f64 number of the segment it follows; 0 for none
 *  32  frames
 *
 * The first sequence number does two things. It tells whether anything is missing between two segments; and it voids
 * what an earlier segment holds from that number on: frames that were rejected, and could not be cut off.
 *
 * The one it follows is the last before it that held frames. When that is there, but empty, they have been lost: nothing else
 * would tell when it was the oldest.
 */

const MAGIC = 0x4c4a5443
/** In the first one, frames were not sealed, and keys no digests: what knows only that one must not read them. */
const FORMAT = 2
const OLDEST_FORMAT = 1
/** Bytes in front of the first frame. */
export const SEGMENT_HEADER = 32
const NAME = /^([0-9]{12})\.log$/
/** Numbers begin with one, since none is zero in a header. No journal comes so far, and whoever went on from there would run out of digits, or of integers. */
const MOST_SEGMENTS = 9e11
const MOST_FRAMES = 2 ** 52

/** What a segment's header says. */
export interface SegmentHeader {
  readonly salt: number
  readonly firstSequence: number
  /** The number of the last segment before it that held frames; 0 for none, or none known. */
  readonly follows: number
}

/** The file name of a segment: its number, so that names sort as segments follow each other. */
export function segmentName(number: number): string {
  return `${String(number).padStart(12, '0')}.log`
}

/** The number of a segment by its file name; `undefined` for any other file. */
export function segmentNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1]
  const number = Number(digits)
  return digits === undefined || number < 1 || number > MOST_SEGMENTS ? undefined : number
}

/** The header at the beginning of a segment; `undefined` when it is damaged or none. */
export function readSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER || bytes.readUInt32LE(0) !== MAGIC) return undefined
  if (crc32(bytes.subarray(8, SEGMENT_HEADER)) !== bytes.readUInt32LE(4)) return undefined
  const format = bytes.readUInt32LE(8)
  if (format < OLDEST_FORMAT || format > FORMAT) return undefined
  const firstSequence = bytes.readDoubleLE(16)
  if (!Number.isInteger(firstSequence) || firstSequence < 1 || firstSequence > MOST_FRAMES) return undefined
  return { salt: bytes.readUInt32LE(12), firstSequence, follows: bytes.readDoubleLE(24) }
}

function composeHeader({ salt, firstSequence, follows }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(FORMAT, 8)
  bytes.writeUInt32LE(salt, 12)
  bytes.writeDoubleLE(firstSequence, 16)
  bytes.writeDoubleLE(follows, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

/** Options of {@link Segment.create}. */
export interface SegmentOptions extends Omit<SegmentHeader, 'salt'> {
  readonly fsync: boolean
  /** The path of a file that is not needed any more, to be written over. */
  readonly spare: string | undefined
  /** It could not be made, and what there is of it could not be removed. */
  readonly onLeft: () => void
}

/** A segment that is being written. */
export class Segment {
  readonly number: number
  readonly salt: number
  readonly #descriptor: number
  readonly #fsync: boolean
  /** Where a file system counts no links, nothing tells that a file has been deleted. */
  readonly #linked: boolean
  #length = SEGMENT_HEADER

  /** Makes a segment, of a spare file if there is one; when that fails, nothing of it is left, unless `onLeft` is told. */
  static create(directory: string, number: number, options: SegmentOptions): Segment {
    const { firstSequence, follows, fsync, spare, onLeft } = options
    const path = `${directory}/${segmentName(number)}`
    const salt = randomBytes(4).readUInt32LE(0)
    const descriptor =
      spare === undefined ? openSync(path, NEW_FILE_FLAGS, 0o600) : openSync(spare, CHANGE_FLAGS)
    try {
      const header = composeHeader({ salt, firstSequence, follows })
      writeFully(descriptor, header, { start: 0, end: SEGMENT_HEADER, position: 0 })
      if (fsync) fdatasyncSync(descriptor)
      // Not before: under a segment's name, the header of what the spare was would speak for frames long gone.
      if (spare !== undefined) rename(spare, path)
      if (fsync) syncDirectory(directory)
      return new Segment(number, salt, descriptor, fsync)
    } catch (error) {
      closeAnyway(descriptor)
      if (spare !== undefined) unlinkAnyway(spare)
      if (!isUnlinked(path)) onLeft()
      throw error
    }
  }

  private constructor(number: number, salt: number, descriptor: number, fsync: boolean) {
    this.number = number
    this.salt = salt
    this.#descriptor = descriptor
    this.#fsync = fsync
    this.#linked = fstatSync(descriptor).nlink > 0
  }

  /** Bytes that are written and not rejected. */
  get length(): number {
    return this.#length
  }

  /**
   * Appends a frame; returns when it is as durable as was asked for. When it throws, the frame has been cut off again, as
   * far as that went; `usable` tells whether another one may be appended.
   */
  append(bytes: Buffer, length: number): void {
    // The kernel would take it, and keep it from everybody who could ever read it back.
    if (this.#linked && fstatSync(this.#descriptor).nlink === 0) {
      this.usable = false
      throw systemError('ENOENT', 'write', 'the journal has been deleted; close the engine and open it anew')
    }
    try {
      writeFully(this.#descriptor, bytes, { start: 0, end: length, position: this.#length })
    } catch (error) {
      this.usable = this.#cutBack()
      throw error
    }
    if (this.#fsync) {
      try {
        fdatasyncSync(this.#descriptor)
      } catch (error) {
        // What the kernel has dropped of it can not be known, and a second sync would say nothing of the first.
        this.usable = false
        this.#cutBack()
        throw error
      }
    }
    this.#length += length
  }

  /** Whether another frame may be appended. */
  usable = true

  /** No more frames. */
  close(): void {
    closeSync(this.#descriptor)
  }

  #cutBack(): boolean {
    try {
      ftruncateSync(this.#descriptor, this.#length)
      return true
    } catch {
      return false
    }
  }
}

/** Whether a path is certainly gone. */
function isUnlinked(path: string): boolean {
  try {
    unlinkIfPresent(path)
    return true
  } catch {
    return false
  }
}
