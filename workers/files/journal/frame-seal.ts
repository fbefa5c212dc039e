import { SEAL_BYTES, type SealBinding, Sealer, type SealRefusal } from '../../seal/index.js'
import {
  FRAME_HEADER,
  type FrameHeader,
  type FramePosition,
  SEALED_OFFSET,
  writeFrameChecksum,
  writeFrameHeader,
} from './frame.js'
import { Scratch } from './scratch.js'

/*
 * What a frame's seal is bound to, its associated data:
 *
 *   0  the label, 30 bytes   30  u32 bytes of the whole frame   34  the header from 12 on: slots, sequence number, salt, flags
 *
 * So a frame opens nowhere but in its segment, at its place in the order.
 */

const LABEL = Buffer.from('coatcheck seal 1 journal frame')
const LENGTH_AT = LABEL.length
const POSITION_AT = LENGTH_AT + 4
/** Where those fields of the header begin. */
const POSITION_OFFSET = 12

/** Bytes that sealing adds to a frame. */
export const FRAME_SEAL_BYTES = SEALED_OFFSET + SEAL_BYTES - FRAME_HEADER

/** Seals the slots of frames, all those of one as a whole, and opens them. */
export class FrameSeal {
  /** Whether frames are read, too, that are not sealed. */
  readonly acceptUnsealed: boolean
  readonly #sealer: Sealer
  readonly #scratch = new Scratch()
  readonly #associated = Buffer.alloc(POSITION_AT + SEALED_OFFSET - POSITION_OFFSET)

  constructor({ keys, acceptUnsealed }: SealBinding) {
    this.acceptUnsealed = acceptUnsealed
    this.#sealer = new Sealer(keys)
    this.#associated.set(LABEL)
  }

  /**
   * The whole frame, sealed, of slots that lie behind the room for a header up to `length`; those stay as they are, for they
   * are what the newest versions are made of. Good until the next call.
   */
  seal(bytes: Buffer, length: number, position: FramePosition): Buffer {
    const sealedLength = length + FRAME_SEAL_BYTES
    const frame = this.#scratch.take(sealedLength)
    const view = new DataView(frame.buffer)
    writeFrameHeader(view, sealedLength, position, true)
    view.setUint32(FRAME_HEADER, 0, true)
    const associated = this.#associate(frame, 0)
    this.#sealer.sealInto(frame, SEALED_OFFSET, bytes.subarray(FRAME_HEADER, length), associated)
    writeFrameChecksum(frame, view, sealedLength)
    return frame
  }

  /** The slots of a sealed frame that is whole, in memory of their own; else why they are not to be had. */
  open(bytes: Buffer, offset: number, { length }: FrameHeader): ArrayBuffer | SealRefusal {
    const sealed = bytes.subarray(offset + SEALED_OFFSET, offset + length)
    const opened = this.#sealer.open(sealed, this.#associate(bytes, offset))
    // A copy, for whose slots lie at multiples of eight.
    return typeof opened === 'string' ? opened : new Uint8Array(opened).buffer
  }

  #associate(bytes: Buffer, offset: number): Uint8Array {
    bytes.copy(this.#associated, LENGTH_AT, offset + 4, offset + 8)
    bytes.copy(this.#associated, POSITION_AT, offset + POSITION_OFFSET, offset + SEALED_OFFSET)
    return this.#associated
  }
}
