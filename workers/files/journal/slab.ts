/*
 * Memory for slots of all sizes, in blocks of 8-byte units. The garbage collector sees a few large buffers instead of
 * an object for every session, a block is used again as soon as it is free, and what is used can be told exactly. Sizes and
 * addresses are its own, so every array is read within its bounds: that is what `as number` rests on.
 */

/** 8-byte units of a chunk: 256 KiB. */
const CHUNK_UNITS = 2 ** 15
/** Larger blocks have a chunk to themselves. */
const LARGEST_SHARED = CHUNK_UNITS / 4
/** Up to here, sizes go up in steps of 64 bytes; behind it by a quarter. */
const FINE_UNITS = 128

const CLASS_UNITS: readonly number[] = blockSizes()
const CLASS_OF = classTable()

function blockSizes(): number[] {
  const sizes: number[] = []
  for (let units = 8; units <= FINE_UNITS; units += 8) sizes.push(units)
  for (let units = FINE_UNITS * 1.25; units < LARGEST_SHARED; units *= 1.25) sizes.push(Math.ceil(units))
  sizes.push(LARGEST_SHARED)
  return sizes
}

/** For each number of units the smallest class that holds it. */
function classTable(): Uint8Array {
  const table = new Uint8Array(LARGEST_SHARED + 1)
  let size = 0
  for (let units = 0; units <= LARGEST_SHARED; units++) {
    if (units > (CLASS_UNITS[size] as number)) size++
    table[units] = size
  }
  return table
}

/** A piece of memory that is cut into blocks of one size. */
export class Chunk {
  readonly bytes: Buffer
  readonly words: Int32Array
  readonly doubles: Float64Array
  readonly blockUnits: number
  /** Class of its blocks; -1 for a chunk that is one large block. */
  readonly size: number
  used = 0
  /** Unit of the first block that was used and is free again; -1 without one. Each tells the next in its first word. */
  freed = -1
  /** Unit of the first block that was never used. */
  fresh = 0
  /** Where it stands among those with free blocks. */
  place = -1
  /** Its number in the slab. */
  id = -1

  constructor(units: number, blockUnits: number, size: number) {
    const buffer = new ArrayBuffer(units * 8)
    this.bytes = Buffer.from(buffer)
    this.words = new Int32Array(buffer)
    this.doubles = new Float64Array(buffer)
    this.blockUnits = blockUnits
    this.size = size
  }

  get full(): boolean {
    return this.freed === -1 && (this.fresh + this.blockUnits) * 8 > this.bytes.length
  }
}

/** Hands out blocks. An address is a small integer: chunk × 2^15 + unit. */
export class Slab {
  readonly #chunks: (Chunk | undefined)[] = []
  readonly #vacant: number[] = []
  /** By class: chunks that have a free block. */
  readonly #roomy: Chunk[][] = CLASS_UNITS.map(() => [])
  #bytes = 0

  /** Bytes taken from the system. */
  get bytes(): number {
    return this.#bytes
  }

  /** A block of at least so many bytes. */
  allocate(bytes: number): number {
    const units = (bytes + 7) >>> 3
    if (units > LARGEST_SHARED) return this.#addChunk(new Chunk(units, units, -1), 1) << 15
    const size = CLASS_OF[units] as number
    const roomy = this.#roomyOf(size)
    let chunk = roomy.at(-1)
    if (chunk === undefined) {
      chunk = new Chunk(CHUNK_UNITS, CLASS_UNITS[size] as number, size)
      this.#addChunk(chunk, 0)
      chunk.place = roomy.push(chunk) - 1
    }
    const unit = takeBlock(chunk)
    if (chunk.full) this.#leaveRoomy(chunk)
    return (chunk.id << 15) | unit
  }

  /** Gives a block back. */
  free(address: number): void {
    const chunk = this.chunkOf(address)
    const wasFull = chunk.size >= 0 && chunk.full
    chunk.used--
    if (chunk.used === 0) {
      if (!wasFull && chunk.size >= 0) this.#leaveRoomy(chunk)
      this.#removeChunk(chunk)
      return
    }
    const unit = address & (CHUNK_UNITS - 1)
    chunk.words[unit * 2] = chunk.freed
    chunk.freed = unit
    if (wasFull) chunk.place = this.#roomyOf(chunk.size).push(chunk) - 1
  }

  /** Whether a block may hold so many bytes, without wasting half of it. */
  fits(address: number, bytes: number): boolean {
    const units = (bytes + 7) >>> 3
    const { blockUnits } = this.chunkOf(address)
    return units <= blockUnits && (units * 2 >= blockUnits || blockUnits <= 16)
  }

  /** The chunk that an address lies in. */
  chunkOf(address: number): Chunk {
    // Addresses are handed out by `allocate` alone.
    return this.#chunks[address >>> 15] as Chunk
  }

  /** Where a block begins in its chunk, in bytes. */
  static offsetOf(address: number): number {
    return (address & (CHUNK_UNITS - 1)) * 8
  }

  #addChunk(chunk: Chunk, used: number): number {
    const id = this.#vacant.pop() ?? this.#chunks.length
    this.#chunks[id] = chunk
    chunk.id = id
    chunk.used = used
    this.#bytes += chunk.bytes.length
    return id
  }

  #removeChunk(chunk: Chunk): void {
    this.#chunks[chunk.id] = undefined
    this.#vacant.push(chunk.id)
    this.#bytes -= chunk.bytes.length
  }

  #roomyOf(size: number): Chunk[] {
    return this.#roomy[size] as Chunk[]
  }

  #leaveRoomy(chunk: Chunk): void {
    const roomy = this.#roomyOf(chunk.size)
    // It is among them, so there is a last one.
    const last = roomy.pop() as Chunk
    if (last === chunk) return
    roomy[chunk.place] = last
    last.place = chunk.place
  }
}

function takeBlock(chunk: Chunk): number {
  chunk.used++
  if (chunk.freed === -1) {
    const unit = chunk.fresh
    chunk.fresh += chunk.blockUnits
    return unit
  }
  const unit = chunk.freed
  chunk.freed = chunk.words[unit * 2] as number
  return unit
}
