/**
 * FNV-1a over the key's UTF-16 code units, 32 bits, signed.
 *
 * The engine cuts the key space into lanes by it and the files storage into directories, so that two lanes
 * never meet in one directory. It names directories on disk: changing it moves every stored session.
 */
export function keyHash(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  // FNV's low bits are its weakest; fold the high half in, for the low byte chooses the slice.
  // Signed: a larger number would be an object of its own on the heap.
  return hash ^ (hash >>> 15)
}

/** How many slices the key space has: a multiple of every lane count. */
export const SLICES = 256

/** The slice of the key space that a key's hash falls into: 0 to 255. */
export function sliceOf(hash: number): number {
  return hash & (SLICES - 1)
}
