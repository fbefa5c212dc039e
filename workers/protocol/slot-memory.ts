/** Memory that slots lie in, at multiples of eight. */
export interface SlotMemory {
  readonly bytes: Buffer
  /** The same memory. */
  readonly words: Uint32Array | Int32Array
}

/** Bytes up to which a loop copies faster than a call. */
const SHORT = 1024

/** Copies a slot of so many bytes as it is. */
export function copySlot(from: SlotMemory, offset: number, length: number, to: SlotMemory, at: number): void {
  if (length > SHORT) {
    to.bytes.set(from.bytes.subarray(offset, offset + length), at)
    return
  }
  const { words } = from
  const target = to.words
  for (let word = offset >>> 2, last = at >>> 2, end = word + (length >>> 2); word < end; word++, last++) {
    target[last] = words[word] as number
  }
}
