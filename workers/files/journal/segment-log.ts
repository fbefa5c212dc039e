import { syncDirectory } from '../sync-directory.js'
import { unlinkIfPresent } from '../unlink.js'
import { type FramePosition, writeFrameChecksum, writeFrameHeader } from './frame.js'
import { FRAME_SEAL_BYTES, type FrameSeal } from './frame-seal.js'
import { SEGMENT_HEADER, Segment, segmentName } from './segment.js'
import { Spares } from './spares.js'

/** A segment that is complete, or as complete as it will ever be. */
export interface OldSegment {
  readonly number: number
  readonly bytes: number
  /** Whether its file may be written over when it is not needed any more. */
  readonly reusable?: boolean
}

/** Where a log goes on after a replay. */
export interface LogPosition {
  readonly segments: readonly OldSegment[]
  /** Greater than that of any segment there is. */
  readonly nextNumber: number
  readonly nextSequence: number
}

/** Options of {@link SegmentLog}. */
export interface SegmentLogOptions {
  readonly directory: string
  readonly fsync: boolean
  /** Bytes past which a segment is followed by a new one. */
  readonly segmentBytes: number
  /** Files of segments that are kept to be written over, at the most. */
  readonly mostSpares: number
  /** What seals frames; absent where they are written as they are. */
  readonly seal: FrameSeal | undefined
}

/** The segments of a journal: frames are appended to the last one; the first ones go when they are not needed. */
export class SegmentLog {
  readonly #options: SegmentLogOptions
  readonly #spares: Spares
  readonly #old: OldSegment[]
  #oldBytes = 0
  #current: Segment | undefined
  #nextNumber: number
  #nextSequence: number

  constructor(options: SegmentLogOptions, position: LogPosition) {
    this.#options = options
    this.#spares = new Spares(options.directory, options.mostSpares)
    this.#old = [...position.segments]
    for (const { bytes } of this.#old) this.#oldBytes += bytes
    this.#nextNumber = position.nextNumber
    this.#nextSequence = position.nextSequence
  }

  /** What the last append took; 0 before the first. */
  appendMicroseconds = 0

  /** Bytes on disk. */
  get bytes(): number {
    return this.#oldBytes + (this.#current?.length ?? 0)
  }

  /** Bytes past which a segment is followed by a new one. */
  get segmentBytes(): number {
    return this.#options.segmentBytes
  }

  /** The sequence number of the last frame that was appended; 0 before the first. */
  get sequence(): number {
    return this.#nextSequence - 1
  }

  /**
   * Appends a batch's slots, which lie behind the room for a frame's header, as one frame. When it throws, nothing of it
   * counts; the next call may succeed.
   */
  append(bytes: Buffer, view: DataView, length: number, slots: number): void {
    const { seal } = this.#options
    const frameLength = seal === undefined ? length : length + FRAME_SEAL_BYTES
    const startedAt = performance.now()
    let segment: Segment | undefined
    try {
      segment = this.#segmentFor(frameLength)
      const position = { slots, sequence: this.#nextSequence, salt: segment.salt }
      const frame = seal?.seal(bytes, length, position) ?? plainFrame(bytes, view, length, position)
      segment.append(frame, frameLength)
    } catch (error) {
      if (segment?.usable === false) this.roll()
      // The disk may be full.
      this.#spares.clear()
      throw error
    }
    this.#nextSequence++
    this.appendMicroseconds = Math.round((performance.now() - startedAt) * 1000)
  }

  /** Ends the segment that is being written; the next frame goes into a new one. */
  roll(): void {
    const segment = this.#current
    if (segment === undefined) return
    this.#current = undefined
    this.#old.push({ number: segment.number, bytes: segment.length, reusable: segment.usable })
    this.#oldBytes += segment.length
    segment.close()
  }

  /** The number of the last segment that is not written to any more; -1 without one. */
  get lastOld(): number {
    return this.#old.at(-1)?.number ?? -1
  }

  /**
   * Removes the segments up to this one, the oldest first: what a crash in between leaves must not lack anything that is
   * newer than what it holds.
   */
  drop(through: number): void {
    const { directory, fsync } = this.#options
    for (let oldest = this.#old[0]; oldest !== undefined && oldest.number <= through; oldest = this.#old[0]) {
      const path = `${directory}/${segmentName(oldest.number)}`
      const reusable = oldest.reusable === true && this.#spares.wanted
      const spare = reusable ? this.#spares.moveOut(path) : undefined
      if (!reusable) unlinkIfPresent(path)
      if (fsync) syncDirectory(directory)
      // Not before: written over, but under its old name after a power cut, it would be damage.
      if (spare !== undefined) this.#spares.add(spare)
      this.#old.shift()
      this.#oldBytes -= oldest.bytes
    }
  }

  /** Gives back the room that is only kept to be written over. */
  letGo(): void {
    this.#spares.clear()
  }

  #segmentFor(length: number): Segment {
    const { directory, fsync, segmentBytes } = this.#options
    if (this.#current !== undefined && this.#current.length + length > segmentBytes) this.roll()
    if (this.#current === undefined) {
      const number = this.#nextNumber++
      this.#current = Segment.create(directory, number, {
        firstSequence: this.#nextSequence,
        follows: this.#old.findLast(({ bytes }) => bytes > SEGMENT_HEADER)?.number ?? 0,
        fsync,
        spare: this.#spares.take(),
        // It goes with the segments before it. Left alone when they and those behind it have gone, it would say that all
        // frames in between are missing.
        onLeft: () => this.#old.push({ number, bytes: 0 }),
      })
    }
    return this.#current
  }
}

/** The header goes over the room in front of the slots: nothing is copied. */
function plainFrame(bytes: Buffer, view: DataView, length: number, position: FramePosition): Buffer {
  writeFrameHeader(view, length, position, false)
  writeFrameChecksum(bytes, view, length)
  return bytes
}
