import {
  BATCH_HEADER,
  DIGEST_BYTES,
  DIGESTED_KEY,
  KEY_DIGEST_BYTES,
  Opcode,
  SLOT_HEADER,
  type SlotReader,
  slotLength,
  WIDE_KEY,
} from '../../protocol/index.js'
import { writeKeyDigest } from '../names.js'
import { Scratch } from './scratch.js'

/** The slice, which a sharded layout shows in a directory's name. */
const SLICE_MASK = 0xff

/**
 * Makes slots whose keys are digests, where names are hashed: what is then in memory, in the journal and in its
 * checkpoints names no session.
 *
 * Of the key's hash only the slice stays, which chooses the session's directory; the rest is taken from the digest. 32 bits
 * of so simple a hash would make a guess at a weak key four billion times as cheap.
 */
export class KeyDigester {
  readonly #scratch = new Scratch()

  /**
   * The slots that a reader was started at, one for one, behind room for the header of a batch or frame. The memory is good
   * until the next call.
   */
  digest(source: SlotReader, offset: number, slots: number): ArrayBuffer {
    source.start(offset, slots)
    let length = BATCH_HEADER
    while (source.next()) length += lengthOf(source)
    const bytes = this.#scratch.take(length)
    const view = new DataView(bytes.buffer)
    source.start(offset, slots)
    let at = BATCH_HEADER
    while (source.next()) {
      const slot = lengthOf(source)
      // Nothing of earlier slots stays in what lies between.
      bytes.fill(0, at + SLOT_HEADER + source.payloadLength, at + slot)
      writeSlot(source, bytes, view, at)
      view.setUint32(at, slot, true)
      at += slot
    }
    return bytes.buffer
  }
}

function lengthOf(source: SlotReader): number {
  if (source.opcode === Opcode.VOID) return SLOT_HEADER
  return slotLength(
    KEY_DIGEST_BYTES,
    source.payloadLength,
    source.opcode === Opcode.REPLACE ? DIGEST_BYTES : 0,
  )
}

function writeSlot(source: SlotReader, bytes: Buffer, view: DataView, at: number): void {
  const { offset, payloadStart, payloadLength, opcode } = source
  const digestAt = at + SLOT_HEADER + payloadLength
  bytes.set(source.bytes.subarray(offset, payloadStart + payloadLength), at)
  view.setUint32(at + 8, payloadLength, true)
  if (opcode === Opcode.VOID) return
  const known = source.keyDigest()
  if (known === undefined) {
    const key = source.key()
    writeKeyDigest(key, bytes, digestAt)
    view.setUint8(at + 5, (view.getUint8(at + 5) & ~WIDE_KEY) | DIGESTED_KEY)
    view.setUint16(at + 6, KEY_DIGEST_BYTES, true)
    view.setInt32(at + 12, hashOfDigest(view.getInt32(digestAt, true), source.hash), true)
    view.setUint32(at + 36, key.length, true)
  } else bytes.set(known.digest, digestAt)
  if (opcode === Opcode.REPLACE) bytes.set(source.expected(), digestAt + KEY_DIGEST_BYTES)
}

/** @param digest Its first 32 bits. */
function hashOfDigest(digest: number, hash: number): number {
  return (digest & ~SLICE_MASK) | (hash & SLICE_MASK)
}
