import { carriesPayload, Opcode, type PayloadPlace, SLOT_HEADER } from '../../workers/protocol/index.js'
import type { Operation } from './batch.js'
import { SlotRing } from './slot-ring.js'

/*
 * Positions count 8-byte units from the beginning of all that was ever written; where one lies in the ring are its low
 * bits. All numbers of places are within their table: that is what `as number` rests on.
 */

/** Units of a ring that is little used, and of the largest: 256 KiB and 16 MiB. */
const LEAST_UNITS = 2 ** 15
const MOST_UNITS = 2 ** 21
/** Bytes of a slot at the most: larger ones would push too many others out. */
const LARGEST_SLOT = 2 ** 16
/** Places that one hash may choose from. */
const WAYS = 4
/** Units of the ring for each place. */
const UNITS_PER_PLACE = 16
/** Sessions grow and shrink a little: slots have their room in steps of so many bytes. */
const ROOM_STEP = 64
/** Past it positions begin anew, so that they stay small integers. */
const LAST_POSITION = 2 ** 29
const NONE = -1

/** A session's bytes, where they lie: good until the next change. */
export interface HotSession extends PayloadPlace {
  readonly codec: number
  /** Milliseconds since the epoch. */
  readonly expiry: number
}

/**
 * What the journal's worker has in memory of the sessions stored last, once more on the main thread: so loads of them need
 * no worker.
 *
 * Invariant: what is found is what the journal holds as the newest version of its key, provided that no operation of the
 * key is pending. Everything else may be missing at any time: a ring takes in what is stored, and writes over what is
 * oldest. What a checkpoint has brought to files is forgotten: from then on files alone tell what there is.
 *
 * Slots as they stand in batches, in one piece of memory: nothing for the garbage collector, and no object for a session.
 */
export class HotSessions {
  #ring = new SlotRing(LEAST_UNITS)
  /** Positions; 0 where there is none. `WAYS` of them for each hash. */
  #places = new Int32Array(LEAST_UNITS / UNITS_PER_PLACE)
  /** Where the next slot goes. */
  #head = LEAST_UNITS
  /** What lies before it is forgotten. */
  #floor = LEAST_UNITS

  /** What is stored from now on lies behind this mark. */
  get mark(): number {
    return this.#head
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#ring.bytes.length + this.#places.byteLength
  }

  /** The newest version of a key, if it is known and live. */
  find(key: string, hash: number, now: number): HotSession | undefined {
    const place = this.#placeOf(key, hash)
    if (place === NONE) return undefined
    const ring = this.#ring
    const at = ring.offsetOf(this.#places[place] as number)
    const expiry = ring.doubles[(at + 16) >>> 3] as number
    if (expiry <= now) return undefined
    const { bytes, words } = ring
    const word = at >>> 2
    const start = at + SLOT_HEADER
    const end = start + (words[word + 2] as number)
    return { memory: bytes, start, end, codec: words[word + 6] as number, expiry }
  }

  /** An operation was done: its key is as its slot says. */
  done(operation: Operation): void {
    const { opcode, key, hash } = operation
    if (opcode === Opcode.LOAD || opcode === Opcode.EXISTS) return
    const place = this.#placeOf(key, hash)
    if (carriesPayload(opcode)) this.#store(operation, place)
    else if (place === NONE) return
    else if (opcode === Opcode.TOUCH) {
      const { doubles } = this.#ring
      doubles[(this.#ring.offsetOf(this.#places[place] as number) + 16) >>> 3] = operation.expiry
    } else this.#places[place] = 0
  }

  /** What became of a key's latest operation does not tell what is stored. */
  drop(key: string, hash: number): void {
    const place = this.#placeOf(key, hash)
    if (place !== NONE) this.#places[place] = 0
  }

  /** Forgets what was stored before this mark, and perhaps more. */
  forgetBefore(mark: number): void {
    // A mark of a ring that was given up may lie before us.
    this.#floor = Math.max(this.#floor, Math.min(mark, this.#head))
    if (this.#floor < this.#head) return
    // What a burst has needed is not kept.
    if (this.#ring.units > LEAST_UNITS) this.#begin(LEAST_UNITS)
  }

  /** Forgets everything. */
  forget(): void {
    this.forgetBefore(this.#head)
  }

  #store({ key, hash, batch, offset }: Operation, standing: number): void {
    const { writer } = batch
    const length = writer.length(offset)
    if (length > LARGEST_SLOT) {
      if (standing !== NONE) this.#places[standing] = 0
      return
    }
    let room = 0
    let place = standing
    if (standing !== NONE) room = this.#ring.roomAt(this.#places[standing] as number)
    if (length > room) {
      room = (length + ROOM_STEP - 1) & -ROOM_STEP
      const position = this.#allocate(room >>> 3)
      // What stood there may have been written over, or forgotten.
      place = this.#placeOf(key, hash)
      if (place === NONE) place = this.#vacantPlace(hash)
      this.#places[place] = position
    }
    const ring = this.#ring
    const at = ring.offsetOf(this.#places[place] as number)
    writer.copyTo(ring, at, offset)
    ring.noteRoom(at, room)
  }

  /** Room for so many units in one piece. */
  #allocate(units: number): number {
    const { units: size } = this.#ring
    const rest = size - (this.#head & (size - 1))
    const position = units > rest ? this.#head + rest : this.#head
    if (position + units - size > this.#floor && size < MOST_UNITS) return this.#begin(size * 2, units)
    if (position + units > LAST_POSITION) return this.#begin(size, units)
    this.#head = position + units
    return position
  }

  /** Begins anew, with nothing but room for so many units in a ring of this size. */
  #begin(size: number, units = 0): number {
    if (size !== this.#ring.units) {
      this.#ring = new SlotRing(size)
      this.#places = new Int32Array(size / UNITS_PER_PLACE)
    } else this.#places.fill(0)
    this.#floor = size
    this.#head = size + units
    return size
  }

  /** Where the position of a key stands; `NONE` when it is not known. */
  #placeOf(key: string, hash: number): number {
    const first = this.#firstPlace(hash)
    const oldest = this.#oldest
    for (let place = first; place < first + WAYS; place++) {
      const position = this.#places[place] as number
      if (position >= oldest && this.#ring.isOf(position, key, hash)) return place
    }
    return NONE
  }

  /** The place, of those that a hash may choose from, of what was stored first. */
  #vacantPlace(hash: number): number {
    const first = this.#firstPlace(hash)
    let vacant = first
    for (let place = first + 1; place < first + WAYS; place++) {
      if ((this.#places[place] as number) < (this.#places[vacant] as number)) vacant = place
    }
    return vacant
  }

  #firstPlace(hash: number): number {
    // A multiplier that brings every bit of the hash into the upper ones.
    return ((Math.imul(hash, 0x9e37_79b1) >>> 12) * WAYS) & (this.#places.length - 1)
  }

  /** The first position that is neither forgotten nor written over. */
  get #oldest(): number {
    return Math.max(this.#floor, this.#head - this.#ring.units)
  }
}
