import {
  copySlot,
  DIGESTED_KEY,
  Opcode,
  SLICES,
  SLOT_HEADER,
  type SlotView,
  WIDE_KEY,
} from '../../protocol/index.js'
import { KeyTable } from './key-table.js'
import { type Chunk, Slab } from './slab.js'

/** Entries that an empty table has room for. */
const LEAST_KEPT = 4096
const NONE = -1
/** What the same bytes are as a key. */
const KEY_FLAGS = WIDE_KEY | DIGESTED_KEY
const TAKEN = Number.POSITIVE_INFINITY
/** The latest moment that a `Date` can be, in milliseconds since the epoch. */
const LATEST = 8.64e15

/**
 * The newest version of every session that is not in its file yet: what loads, checks and checkpoints see.
 *
 * Entries and addresses come from the table and the slab alone, so every array is read within its bounds: that is what
 * `as number` rests on.
 *
 * An entry is a slot as it stands in the journal: a `SAVE`, with the session's bytes, or a `DELETE`.
 */
export class NewestVersions {
  #table = new KeyTable()
  readonly #slab = new Slab()
  #address = new Int32Array(this.#table.capacity)
  /** Sequence number of the frame that brought the present version. */
  #changed = new Float64Array(this.#table.capacity)
  /** That of the earliest version that no checkpoint has taken yet; `TAKEN` when one has taken the present version. */
  #dirtySince = new Float64Array(this.#table.capacity)
  readonly #halfKept = new Set<number>()

  /** Entries. */
  get count(): number {
    return this.#table.count
  }

  /** Bytes of memory that it takes up. */
  get bytes(): number {
    if (this.count === 0) return 0
    return this.#slab.bytes + this.#table.bytes + this.#table.capacity * 20
  }

  /** The entry of a slot's key; -1 when all there is to know of it is in its file. */
  find(slot: SlotView): number {
    let entry = this.#table.first(slot.hash)
    while (entry !== NONE && !this.#isOf(entry, slot)) entry = this.#table.next(entry)
    return entry
  }

  /** Takes in what a slot of a frame says. A touch of a session that is in its file has moved that already. */
  note(slot: SlotView, sequence: number): void {
    const entry = this.find(slot)
    if (slot.opcode !== Opcode.TOUCH) this.#put(entry, slot, sequence)
    else if (entry !== NONE && this.opcode(entry) === Opcode.SAVE) {
      const address = this.#addressOf(entry)
      setExpiry(this.#slab.chunkOf(address), Slab.offsetOf(address), slot.expiry)
      if (this.#dirtySince[entry] === TAKEN) this.#halfKept.add(entry)
      this.#mark(entry, sequence)
    }
  }

  /**
   * Sessions that were touched while a checkpoint was writing them: the journal will have nothing but the touch, and the file the
   * former expiry. They have to be journaled anew, whole, before the checkpoint's segments go.
   */
  get halfKept(): ReadonlySet<number> {
    return this.#halfKept
  }

  /** They have been. */
  keptWhole(): void {
    this.#halfKept.clear()
  }

  /** `SAVE` or `DELETE`. */
  opcode(entry: number): Opcode {
    return (this.#word(entry, 1) & 0xff) as Opcode
  }

  /** Whether it has a digest for a key. */
  isDigested(entry: number): boolean {
    return ((this.#word(entry, 1) >>> 8) & DIGESTED_KEY) !== 0
  }

  /** Milliseconds since the epoch. */
  expiry(entry: number): number {
    const address = this.#addressOf(entry)
    return this.#slab.chunkOf(address).doubles[(Slab.offsetOf(address) + 16) >>> 3] as number
  }

  /** Whether it is a session that has not expired. */
  isLive(entry: number, now: number): boolean {
    return this.opcode(entry) === Opcode.SAVE && this.expiry(entry) > now
  }

  codec(entry: number): number {
    return this.#word(entry, 6) >>> 0
  }

  writeId(entry: number): readonly [low: number, high: number] {
    return [this.#word(entry, 7) >>> 0, this.#word(entry, 8) >>> 0]
  }

  /** The session's bytes, where they lie: good until the next change. */
  payload(entry: number): Uint8Array {
    const address = this.#addressOf(entry)
    const start = Slab.offsetOf(address) + SLOT_HEADER
    return this.#slab.chunkOf(address).bytes.subarray(start, start + this.#word(entry, 2))
  }

  /** Bytes of the entry's slot. */
  length(entry: number): number {
    return this.#word(entry, 0)
  }

  /** Copies the entry's slot. */
  copyTo(entry: number, target: Uint8Array, at: number): void {
    const address = this.#addressOf(entry)
    const start = Slab.offsetOf(address)
    target.set(this.#slab.chunkOf(address).bytes.subarray(start, start + this.length(entry)), at)
  }

  /** The sequence number of the frame that brought the present version. */
  changed(entry: number): number {
    return this.#changed[entry] as number
  }

  /** The entry of a slice of the key space that has waited longest to be written to its file; -1 without one. */
  oldest(slice: number): number {
    return this.#table.oldest(slice)
  }

  /** The one behind it. */
  later(entry: number): number {
    return this.#table.later(entry)
  }

  /** All of them. */
  *entries(): Generator<number, void, undefined> {
    for (let slice = 0; slice < SLICES; slice++) {
      for (let entry = this.oldest(slice); entry !== NONE; entry = this.later(entry)) yield entry
    }
  }

  /** Whether a version of it that is not newer than this is still to be written to its file. */
  isDirtySince(entry: number, sequence: number): boolean {
    return (this.#dirtySince[entry] as number) <= sequence
  }

  /** A checkpoint takes the present version, to write it to its file. */
  take(entry: number): void {
    this.#dirtySince[entry] = TAKEN
  }

  /** The version that was brought by frame `changed` is in its file: forgotten, unless there is a newer one. */
  arrive(entry: number, changed: number): void {
    if (this.#changed[entry] === changed) {
      this.#slab.free(this.#addressOf(entry))
      this.#table.remove(entry)
      this.#halfKept.delete(entry)
      // What a burst has needed is not kept.
      if (this.#table.count === 0 && this.#table.capacity > LEAST_KEPT) this.#startAnew()
    } else this.#table.moveToEnd(entry)
  }

  /** What was taken could not be written to its file. */
  giveBack(entry: number): void {
    this.#dirtySince[entry] = 0
  }

  #put(found: number, slot: SlotView, sequence: number): void {
    let entry = found
    let address: number
    if (this.#halfKept.size > 0) this.#halfKept.delete(found)
    if (entry === NONE) {
      address = this.#slab.allocate(slot.length)
      entry = this.#table.add(slot.hash)
      if (this.#table.capacity > this.#address.length) this.#grow()
      this.#dirtySince[entry] = TAKEN
    } else {
      address = this.#addressOf(entry)
      if (!this.#slab.fits(address, slot.length)) {
        const larger = this.#slab.allocate(slot.length)
        this.#slab.free(address)
        address = larger
      }
    }
    this.#address[entry] = address
    this.#mark(entry, sequence)
    takeIn(slot, this.#slab.chunkOf(address), Slab.offsetOf(address))
  }

  #startAnew(): void {
    this.#table = new KeyTable()
    const { capacity } = this.#table
    this.#address = new Int32Array(capacity)
    this.#changed = new Float64Array(capacity)
    this.#dirtySince = new Float64Array(capacity)
  }

  #mark(entry: number, sequence: number): void {
    this.#changed[entry] = sequence
    if (this.#dirtySince[entry] === TAKEN) this.#dirtySince[entry] = sequence
  }

  #isOf(entry: number, slot: SlotView): boolean {
    const packed = this.#word(entry, 1)
    const { words, bytes } = slot
    const word = slot.offset >>> 2
    const other = words[word + 1] as number
    const length = packed >>> 16
    if (length !== other >>> 16 || (((packed ^ other) >>> 8) & KEY_FLAGS) !== 0) return false
    const address = this.#addressOf(entry)
    const own = this.#slab.chunkOf(address).bytes
    const ownStart = Slab.offsetOf(address) + SLOT_HEADER + this.#word(entry, 2)
    const start = slot.offset + SLOT_HEADER + (words[word + 2] as number)
    for (let index = 0; index < length; index++) {
      if (own[ownStart + index] !== bytes[start + index]) return false
    }
    return true
  }

  #addressOf(entry: number): number {
    return this.#address[entry] as number
  }

  #word(entry: number, index: number): number {
    const address = this.#addressOf(entry)
    return this.#slab.chunkOf(address).words[(Slab.offsetOf(address) >>> 2) + index] as number
  }

  #grow(): void {
    const { capacity } = this.#table
    const address = new Int32Array(capacity)
    const changed = new Float64Array(capacity)
    const dirtySince = new Float64Array(capacity)
    address.set(this.#address)
    changed.set(this.#changed)
    dirtySince.set(this.#dirtySince)
    this.#address = address
    this.#changed = changed
    this.#dirtySince = dirtySince
  }
}

/** Copies a slot, and makes a save of whatever wrote the session. */
function takeIn(slot: SlotView, chunk: Chunk, at: number): void {
  copySlot(slot, slot.offset, slot.length, chunk, at)
  if (slot.opcode !== Opcode.DELETE) chunk.bytes[at + 4] = Opcode.SAVE
  setExpiry(chunk, at, slot.expiry)
}

/** As a moment that a file's time can be, and a `Date`: whatever was journaled must be readable, and go to its file. */
function setExpiry(chunk: Chunk, at: number, expiry: number): void {
  chunk.doubles[(at + 16) >>> 3] = Math.min(Math.max(0, expiry), LATEST)
}
