import type { Codec } from './codec.js'

/**
 * Decodes what lies within other bytes, from `start` to `end`, all of which are written over later: nothing of what it
 * returns may point into them.
 */
export type DecodeWithin = (memory: Uint8Array, start: number, end: number) => unknown

/**
 * Known by the function that does the same of bytes that lie alone, and not by the codec: an application may wrap one of
 * ours with a `decode` of its own, and what lies within is then decoded by that.
 */
const counterparts = new WeakMap<Codec['decode'], DecodeWithin>()

/** Returns `decode`, for which `within` stands in from now on. */
export function decodeAlso(decode: Codec['decode'], within: DecodeWithin): Codec['decode'] {
  counterparts.set(decode, within)
  return decode
}

/**
 * How a codec decodes what lies within other bytes. Of one that knows of nothing but bytes that lie alone, each session is
 * copied: what it returns may point into them.
 */
export function decodeWithinOf(codec: Codec): DecodeWithin {
  return (
    counterparts.get(codec.decode) ??
    ((memory, start, end) => codec.decode(Buffer.from(memory.subarray(start, end))))
  )
}
