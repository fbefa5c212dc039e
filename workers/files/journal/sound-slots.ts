import {
  carriesPayload,
  DIGESTED_KEY,
  KEY_DIGEST_BYTES,
  Opcode,
  SLOT_HEADER,
  type SlotReader,
  WIDE_KEY,
} from '../../protocol/index.js'
import { LONGEST_KEY } from '../../record/record.js'

/**
 * Whether the slots of a frame are what a journal holds: a checksum proves that a frame is as it was written, not that an
 * engine wrote it. Nothing is taken in of a frame before all of it is known to lie within its bounds, and to be
 * something that can be put in a file.
 */
export function areSound(slots: SlotReader, start: number, count: number, end: number): boolean {
  if (count === 0 || count > (end - start) / SLOT_HEADER) return false
  slots.start(start, count)
  while (slots.next()) {
    if (!isSound(slots, end)) return false
  }
  return slots.offset + slots.length === end
}

function isSound(slots: SlotReader, end: number): boolean {
  const { offset, length, opcode, expiry, words } = slots
  if (length < SLOT_HEADER || length % 8 !== 0 || offset + length > end) return false
  if (!carriesPayload(opcode) && opcode !== Opcode.TOUCH && opcode !== Opcode.DELETE) return false
  // Also of what carries none: the key lies behind it.
  const payloadBytes = words[(offset >>> 2) + 2] as number
  const packed = words[(offset >>> 2) + 1] as number
  const keyBytes = packed >>> 16
  const isWide = ((packed >>> 8) & WIDE_KEY) !== 0
  if (keyBytes === 0 || keyBytes > (isWide ? LONGEST_KEY : LONGEST_KEY / 2)) return false
  if (isWide && keyBytes % 2 !== 0) return false
  const isDigested = ((packed >>> 8) & DIGESTED_KEY) !== 0
  if (isDigested && (isWide || keyBytes !== KEY_DIGEST_BYTES)) return false
  // Any other number is a moment, however far off: the newest versions have it as one that a file can be given.
  return SLOT_HEADER + payloadBytes + keyBytes <= length && !Number.isNaN(expiry)
}
