import { crc32 } from 'node:zlib'
import { BATCH_HEADER } from '../../protocol/index.js'
import { SEAL_BYTES } from '../../seal/index.js'

/*
 * A frame is what one batch adds to the journal: the batch's own slots, those that change something, behind a header
 * that is written over the batch's. Little-endian:
 *
 *   0  magic "CTJF"       4  u32 bytes of the whole frame      8  u32 CRC-32 of all that follows
 *  12  u32 slots         16  f64 sequence number              24  u32 salt of its segment           28  u32 flags: 1 = sealed
 *  32  the slots; see protocol/request.ts. Sealed: u32 0, then what frame-seal.ts has made of all of them
 *
 * One write, one checksum: a frame is there as a whole or it is not there. The checksum is over what is on the disk, sealed
 * or not: whether a frame is whole can be told without a key.
 */

const MAGIC = 0x464a5443
const SEALED = 1
/** Bytes in front of a frame's first slot: as many as a batch has there, so that the one is written over the other. */
export const FRAME_HEADER = BATCH_HEADER
/** Bytes in front of what is sealed: with those that sealing adds, a multiple of eight. */
export const SEALED_OFFSET = FRAME_HEADER + 4

/** Where a frame stands in the journal. */
export interface FramePosition {
  readonly slots: number
  readonly sequence: number
  readonly salt: number
}

/** What a frame's header says. */
export interface FrameHeader {
  /** Bytes of the whole frame. */
  readonly length: number
  readonly slots: number
  readonly sequence: number
  /** `unknown`: it is whole, but no engine writes such a one. */
  readonly kind: 'plain' | 'sealed' | 'unknown'
}

/** Writes the header, but for the checksum, at the beginning of `view`. */
export function writeFrameHeader(
  view: DataView,
  length: number,
  { slots, sequence, salt }: FramePosition,
  sealed: boolean,
): void {
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, length, true)
  view.setUint32(12, slots, true)
  view.setFloat64(16, sequence, true)
  view.setUint32(24, salt, true)
  view.setUint32(28, sealed ? SEALED : 0, true)
}

/** Completes a frame, all else of which is there. */
export function writeFrameChecksum(bytes: Buffer, view: DataView, length: number): void {
  view.setUint32(8, crc32(bytes.subarray(12, length)), true)
}

/** The frame that begins at `offset`; `undefined` when there is none, or not a whole one, of this segment. */
export function readFrame(bytes: Buffer, offset: number, salt: number): FrameHeader | undefined {
  if (offset + FRAME_HEADER > bytes.length || bytes.readUInt32LE(offset) !== MAGIC) return undefined
  const length = bytes.readUInt32LE(offset + 4)
  if (length < FRAME_HEADER || length % 8 !== 0 || offset + length > bytes.length) return undefined
  if (bytes.readUInt32LE(offset + 24) !== salt) return undefined
  if (crc32(bytes.subarray(offset + 12, offset + length)) !== bytes.readUInt32LE(offset + 8)) return undefined
  return {
    length,
    slots: bytes.readUInt32LE(offset + 12),
    sequence: bytes.readDoubleLE(offset + 16),
    kind: kindOf(bytes.readUInt32LE(offset + 28), length),
  }
}

function kindOf(flags: number, length: number): FrameHeader['kind'] {
  if (flags === 0) return 'plain'
  return flags === SEALED && length >= SEALED_OFFSET + SEAL_BYTES ? 'sealed' : 'unknown'
}

/** Whether a whole frame begins anywhere behind `offset`: what lies before it is damage then, not a torn tail. */
export function hasFrameBehind(bytes: Buffer, offset: number, salt: number): boolean {
  for (let at = (offset + 8) & ~7; at + FRAME_HEADER <= bytes.length; at += 8) {
    if (bytes.readUInt32LE(at) === MAGIC && readFrame(bytes, at, salt) !== undefined) return true
  }
  return false
}
