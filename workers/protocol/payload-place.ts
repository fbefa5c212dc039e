/**
 * Where a payload lies: from `start` to `end` of memory that may hold others. A view of it takes as long to make as a fifth of
 * a session takes to read.
 */
export interface PayloadPlace {
  readonly memory: Uint8Array
  readonly start: number
  readonly end: number
}

/** A view of a payload. */
export function payloadAt({ memory, start, end }: PayloadPlace): Uint8Array {
  return memory.subarray(start, end)
}
