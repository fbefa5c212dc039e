import { closeSync, fdatasyncSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { type CorruptNotice, type ReplaySlice, systemError } from '../../protocol/index.js'
import { CHANGE_FLAGS, READ_FLAGS } from '../open-flags.js'
import { readInto } from '../read-whole.js'
import type { Evidence } from './evidence.js'
import { hasFrameBehind, readFrame } from './frame.js'
import type { FrameReader } from './frame-reader.js'
import type { NewestVersions } from './newest.js'
import {
  readSegmentHeader,
  SEGMENT_HEADER,
  type SegmentHeader,
  segmentName,
  segmentNumber,
} from './segment.js'
import type { LogPosition, OldSegment } from './segment-log.js'

/** More than a segment and the largest batch that may be its last. */
const LARGEST_SEGMENT = 2 ** 29

/** A segment as a replay finds it. */
export interface FoundSegment extends OldSegment {
  /** `undefined` when it has none that can be read: it was being made when the process ended. */
  readonly header: SegmentHeader | undefined
}

/** Options of {@link Replay}. */
export interface ReplayOptions {
  /** The journal's. */
  readonly directory: string
  /** What takes in everything that is read. */
  readonly newest: NewestVersions
  readonly fsync: boolean
  readonly evidence: Evidence
  /** What shows the slots of frames. */
  readonly frames: FrameReader
}

/**
 * Reads a journal from its beginning to its end, a segment at a time.
 *
 * A frame counts when it is whole, follows the one before it without a gap, and is not voided by the first sequence
 * number of a later segment. A frame that is not whole at the end of the journal, or where the next segment goes on without a
 * gap, was never acknowledged: a torn tail, passed over in silence. Anything else that is not whole is damage: what comes
 * after it cannot be trusted to be the newest. It is evidence, told of, and the journal ends there.
 *
 * Of what is sealed, a frame that one of our keys has sealed and that does not open is damage, wherever it stands. A frame
 * that we have no key for is none: it was acknowledged, so the replay fails, and nothing has been changed by then.
 *
 * Nothing that counts is changed or removed, so an interrupted replay can be begun anew.
 *
 * With `fsync`, what is read is synced first. An engine that was killed may have left a frame that it had written and not
 * synced: to count it, and to lose it with the next power cut, would make a gap in front of all that is acknowledged
 * from now on.
 */
export class Replay {
  readonly #directory: string
  readonly #newest: NewestVersions
  readonly #fsync: boolean
  readonly #evidence: Evidence
  readonly #frames: FrameReader
  readonly #segments: FoundSegment[]
  readonly #totalBytes: number
  #index = 0
  #bytes = 0
  #records = 0
  #expected: number | undefined
  #ended = false
  #failure: { readonly error: unknown } | undefined

  constructor({ directory, newest, fsync, evidence, frames }: ReplayOptions) {
    this.#directory = directory
    this.#newest = newest
    this.#fsync = fsync
    this.#evidence = evidence
    this.#frames = frames
    this.#segments = findSegments(directory)
    this.#totalBytes = this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Reads the next segment. */
  next(): Omit<ReplaySlice, 'gauge'> {
    if (this.#failure !== undefined) throw this.#failure.error
    const corrupt: CorruptNotice[] = []
    const segment = this.#segments[this.#index]
    if (segment !== undefined) {
      this.#read(segment, this.#index, corrupt)
      this.#bytes += segment.bytes
      this.#index++
    }
    return {
      done: this.#index >= this.#segments.length,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      records: this.#records,
      corrupt,
    }
  }

  /** Where the journal goes on, when all is read. */
  get position(): LogPosition {
    return {
      segments: this.#segments.map(({ number, bytes }) => ({ number, bytes })),
      nextNumber: (this.#segments.at(-1)?.number ?? 0) + 1,
      nextSequence: this.#expected ?? 1,
    }
  }

  #read(segment: FoundSegment, index: number, corrupt: CorruptNotice[]): void {
    const { header } = segment
    const limit = this.#limitBehind(index)
    if (header === undefined) {
      if (this.#expected === limit) return
      // Nothing is appended before the header is written: one that holds nothing was just being made, unless another one followed.
      if (segment.bytes <= SEGMENT_HEADER && !this.#isFollowed(segment, index)) return
      this.#ended = true
      corrupt.push(this.#takeOut(segment, 'a segment of the journal is damaged at its beginning'))
      return
    }
    // Voided as a whole, by a segment that was begun after damage had been met.
    if (header.firstSequence >= limit) return
    if (this.#ended || (this.#expected !== undefined && header.firstSequence > this.#expected)) {
      this.#ended = true
      corrupt.push(this.#takeOut(segment, 'the journal is damaged before it'))
      return
    }
    // One that never had a frame says nothing of what should be there: its elders may have gone, and it been forgotten.
    const isOldest = this.#expected === undefined
    if (isOldest && segment.bytes <= SEGMENT_HEADER && !this.#isFollowed(segment, index)) return
    if (segment.bytes > LARGEST_SEGMENT) {
      this.#ended = true
      corrupt.push(this.#takeOut(segment, 'larger than any segment of a journal'))
      return
    }
    this.#expected ??= header.firstSequence
    const bytes = readWhole(`${this.#directory}/${segmentName(segment.number)}`, this.#fsync)
    const { end, damage } = this.#onlyOnce(() => this.#replayFrames(bytes, header, limit))
    if (damage === undefined && this.#isWhole(index, bytes, header, end, limit)) return
    this.#ended = true
    const reason = damage ?? 'a segment of the journal is damaged in the middle'
    corrupt.push(this.#evidence.ofPart(segment, reason))
  }

  /** Whether nothing that counts can lie behind the end of those frames that do. */
  #isWhole(index: number, bytes: Buffer, { salt }: SegmentHeader, end: number, limit: number): boolean {
    if (end === bytes.length || this.#expected === limit) return true
    // The segment behind it, if there is one, begins with a later frame than the one that is missing here.
    const behind = this.#segments.slice(index + 1)
    if (behind.some((later) => later.header !== undefined)) return false
    return readFrame(bytes, end, salt) === undefined && !hasFrameBehind(bytes, end, salt)
  }

  /** Where the frames that count end, in bytes, and what is wrong with the one that is there, if one is. */
  #replayFrames(
    bytes: Buffer<ArrayBuffer>,
    { salt }: SegmentHeader,
    limit: number,
  ): { readonly end: number; readonly damage: string | undefined } {
    this.#frames.begin(bytes)
    let offset = SEGMENT_HEADER
    for (;;) {
      const frame = readFrame(bytes, offset, salt)
      if (frame === undefined || frame.sequence !== this.#expected || frame.sequence >= limit)
        return { end: offset, damage: undefined }
      const slots = this.#frames.slots(offset, frame)
      if (typeof slots === 'string') return { end: offset, damage: slots }
      while (slots.next()) this.#newest.note(slots, frame.sequence)
      this.#records += frame.slots
      this.#expected++
      offset += frame.length
    }
  }

  /**
   * Whoever asks again after a failure is told of the same one: what the frames before have brought must not be taken in twice,
   * nor what is missing of them for damage.
   */
  #onlyOnce<Result>(step: () => Result): Result {
    try {
      return step()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  /** Whether it has held frames, as the one that was made after it says. */
  #isFollowed({ number }: FoundSegment, index: number): boolean {
    return this.#segments.slice(index + 1).some(({ header }) => header?.follows === number)
  }

  /** The first sequence number that a later segment starts with: from there on, what is here is void. */
  #limitBehind(index: number): number {
    let limit = Number.POSITIVE_INFINITY
    for (const { header } of this.#segments.slice(index + 1)) {
      if (header !== undefined) limit = Math.min(limit, header.firstSequence)
    }
    return limit
  }

  /** A segment that holds nothing that counts. */
  #takeOut(segment: FoundSegment, reason: string): CorruptNotice {
    const notice = this.#evidence.ofWhole(segment, reason)
    this.#segments.splice(this.#index--, 1)
    return notice
  }
}

/** The segments of a journal's directory, in their order. */
export function findSegments(directory: string): FoundSegment[] {
  const numbers = readdirSync(directory).flatMap((name) => segmentNumber(name) ?? [])
  return numbers
    .sort((left, right) => left - right)
    .map((number) => {
      const descriptor = openSync(`${directory}/${segmentName(number)}`, READ_FLAGS)
      try {
        const stats = fstatSync(descriptor)
        if (!stats.isFile())
          throw systemError('EINVAL', 'open', 'a segment of the journal is no regular file')
        const bytes = Buffer.alloc(SEGMENT_HEADER)
        const length = readSync(descriptor, bytes, 0, SEGMENT_HEADER, 0)
        const header = readSegmentHeader(bytes.subarray(0, length))
        return { number, bytes: stats.size, header }
      } finally {
        closeSync(descriptor)
      }
    })
}

/** A buffer of its own, whose slots lie at multiples of eight. */
function readWhole(path: string, fsync: boolean): Buffer<ArrayBuffer> {
  // Not every system syncs what is open for reading alone.
  const descriptor = openSync(path, fsync ? CHANGE_FLAGS : READ_FLAGS)
  try {
    if (fsync) fdatasyncSync(descriptor)
    const bytes = Buffer.from(new ArrayBuffer(fstatSync(descriptor).size))
    return bytes.subarray(0, readInto(bytes, descriptor, bytes.length))
  } finally {
    closeSync(descriptor)
  }
}
