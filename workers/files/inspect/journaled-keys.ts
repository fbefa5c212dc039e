import {
  BATCH_HEADER,
  type KeyDigest,
  keyHash,
  Opcode,
  RequestWriter,
  SlotReader,
  type SlotView,
} from '../../protocol/index.js'
import { KeyDigester } from '../journal/key-digester.js'
import { digestName, nameOfDigest } from '../names.js'

/** Room for a slot with a key of the usual length. */
const LOOKUP_BYTES = 128

/** A look for a key. */
export function slotOf(key: string): SlotView {
  return firstSlot(wireOf(key), BATCH_HEADER)
}

/** A look for its digest. */
export function digestedSlotOf(key: string): SlotView {
  const digested = new KeyDigester().digest(new SlotReader(wireOf(key)), BATCH_HEADER, 1)
  return firstSlot(digested, BATCH_HEADER)
}

/** What a slot has for a key. */
export function keyIn(slot: ArrayBuffer): string | KeyDigest {
  const reader = firstSlot(slot, 0)
  return reader.keyDigest() ?? reader.key()
}

/** What a file is named by where names are hashed. */
export function nameOf(key: string | KeyDigest): string {
  return typeof key === 'string' ? digestName(key) : nameOfDigest(key.digest)
}

function wireOf(key: string): ArrayBuffer {
  const writer = new RequestWriter(LOOKUP_BYTES)
  const hash = keyHash(key)
  writer.append({ opcode: Opcode.LOAD, key, hash, expiry: 0, codec: 0, payload: undefined })
  return writer.toWire(0, [0, 0])
}

function firstSlot(buffer: ArrayBuffer, offset: number): SlotReader {
  const reader = new SlotReader(buffer)
  reader.start(offset, 1)
  reader.next()
  return reader
}
