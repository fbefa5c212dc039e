import { SLICES, sliceOf } from '../../protocol/index.js'

const LEAST = 1024
const NONE = -1

/**
 * Numbers for keys: a chained hash table in typed arrays, and for each slice of the key space a list of its entries, the
 * one that has waited longest first. Nothing in it is an object of its own: a million entries are a dozen arrays to the
 * garbage collector.
 *
 * Numbers come from `add` alone, so every array is read within its bounds: that is what `as number` rests on.
 *
 * It knows hashes, no keys: who looks a key up says which of the entries with its hash is meant.
 */
export class KeyTable {
  #buckets = new Int32Array(LEAST).fill(NONE)
  #hash = new Int32Array(LEAST)
  /** Next in the bucket; of a vacant number, the next vacant one. */
  #next = new Int32Array(LEAST)
  #earlier = new Int32Array(LEAST)
  #later = new Int32Array(LEAST)
  readonly #first = new Int32Array(SLICES).fill(NONE)
  readonly #last = new Int32Array(SLICES).fill(NONE)
  #vacant = NONE
  #fresh = 0
  #count = 0

  /** Entries. */
  get count(): number {
    return this.#count
  }

  /** Numbers are smaller than this. */
  get capacity(): number {
    return this.#hash.length
  }

  /** Bytes that the table itself takes up. */
  get bytes(): number {
    return this.#buckets.byteLength + this.#hash.byteLength * 4
  }

  /** The first entry with this hash; -1 without one. */
  first(hash: number): number {
    return this.#skip(this.#buckets[this.#bucketOf(hash)] as number, hash)
  }

  /** The next one with the same hash. */
  next(entry: number): number {
    return this.#skip(this.#next[entry] as number, this.#hash[entry] as number)
  }

  /** A new entry, last in the list of its slice. */
  add(hash: number): number {
    const entry = this.#takeNumber()
    const bucket = this.#bucketOf(hash)
    this.#hash[entry] = hash
    this.#next[entry] = this.#buckets[bucket] as number
    this.#buckets[bucket] = entry
    this.#append(entry, sliceOf(hash))
    this.#count++
    return entry
  }

  /** Forgets an entry; its number may be given to another one. */
  remove(entry: number): void {
    const hash = this.#hash[entry] as number
    const bucket = this.#bucketOf(hash)
    const next = this.#next[entry] as number
    let at = this.#buckets[bucket] as number
    if (at === entry) this.#buckets[bucket] = next
    else {
      while (this.#next[at] !== entry) at = this.#next[at] as number
      this.#next[at] = next
    }
    this.#unlink(entry, sliceOf(hash))
    this.#next[entry] = this.#vacant
    this.#vacant = entry
    this.#count--
  }

  /** Puts an entry at the end of its slice's list. */
  moveToEnd(entry: number): void {
    const slice = sliceOf(this.#hash[entry] as number)
    this.#unlink(entry, slice)
    this.#append(entry, slice)
  }

  /** The entry of a slice that has waited longest; -1 without one. */
  oldest(slice: number): number {
    return this.#first[slice] as number
  }

  /** The one behind it in the list of its slice. */
  later(entry: number): number {
    return this.#later[entry] as number
  }

  #skip(start: number, hash: number): number {
    let entry = start
    while (entry !== NONE && this.#hash[entry] !== hash) entry = this.#next[entry] as number
    return entry
  }

  #bucketOf(hash: number): number {
    // The low byte is the slice; the others spread better.
    return ((hash >>> 8) ^ (hash << 16)) & (this.#buckets.length - 1)
  }

  #takeNumber(): number {
    if (this.#vacant !== NONE) {
      const entry = this.#vacant
      this.#vacant = this.#next[entry] as number
      return entry
    }
    if (this.#fresh === this.#hash.length) this.#grow()
    return this.#fresh++
  }

  #append(entry: number, slice: number): void {
    const last = this.#last[slice] as number
    this.#earlier[entry] = last
    this.#later[entry] = NONE
    if (last === NONE) this.#first[slice] = entry
    else this.#later[last] = entry
    this.#last[slice] = entry
  }

  #unlink(entry: number, slice: number): void {
    const earlier = this.#earlier[entry] as number
    const later = this.#later[entry] as number
    if (earlier === NONE) this.#first[slice] = later
    else this.#later[earlier] = later
    if (later === NONE) this.#last[slice] = earlier
    else this.#earlier[later] = earlier
  }

  #grow(): void {
    const capacity = this.#hash.length * 2
    this.#hash = enlarged(this.#hash, capacity)
    this.#next = enlarged(this.#next, capacity)
    this.#earlier = enlarged(this.#earlier, capacity)
    this.#later = enlarged(this.#later, capacity)
    this.#buckets = new Int32Array(capacity).fill(NONE)
    // Only called when no number is vacant: all of them are entries.
    for (let entry = 0; entry < this.#fresh; entry++) {
      const bucket = this.#bucketOf(this.#hash[entry] as number)
      this.#next[entry] = this.#buckets[bucket] as number
      this.#buckets[bucket] = entry
    }
  }
}

function enlarged(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity)
  larger.set(array)
  return larger
}
