import { keyBytesOf, SLOT_HEADER, type SlotMemory, WIDE_KEY } from '../../workers/protocol/index.js'

/** Where a slot here has the bytes that it may take up; on the wire there is nothing. */
const ROOM_WORD = 9

/*
 * Positions are those of slots that lie in it, so every array is read within its bounds: that is what `as number` rests on.
 */

/** The memory that `HotSessions` has its slots in: as many units of eight bytes, a power of two, that begin anew at their end. */
export class SlotRing implements SlotMemory {
  readonly units: number
  readonly bytes: Buffer
  readonly words: Uint32Array
  readonly doubles: Float64Array

  constructor(units: number) {
    const buffer = new ArrayBuffer(units * 8)
    this.units = units
    this.bytes = Buffer.from(buffer)
    this.words = new Uint32Array(buffer)
    this.doubles = new Float64Array(buffer)
  }

  /** Where a position lies, in bytes. */
  offsetOf(position: number): number {
    return (position & (this.units - 1)) << 3
  }

  /** Bytes that the slot at a position may take up. */
  roomAt(position: number): number {
    return this.words[(this.offsetOf(position) >>> 2) + ROOM_WORD] as number
  }

  /** The slot that lies there may take up so many bytes. */
  noteRoom(at: number, room: number): void {
    this.words[(at >>> 2) + ROOM_WORD] = room
  }

  /** Whether the slot at a position is of this key. */
  isOf(position: number, key: string, hash: number): boolean {
    const { bytes, words } = this
    const at = this.offsetOf(position)
    const word = at >>> 2
    if (((words[word + 3] as number) | 0) !== hash) return false
    const packed = words[word + 1] as number
    const keyBytes = packed >>> 16
    const start = at + SLOT_HEADER + (words[word + 2] as number)
    if (((packed >>> 8) & WIDE_KEY) !== 0) {
      return keyBytes === keyBytesOf(key) && bytes.toString('utf16le', start, start + keyBytes) === key
    }
    if (keyBytes !== key.length) return false
    for (let index = 0; index < keyBytes; index++) {
      if (bytes[start + index] !== key.charCodeAt(index)) return false
    }
    return true
  }
}
