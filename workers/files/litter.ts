import type { Stats } from 'node:fs'

/** Whether a file has been left alone for so many milliseconds: by its inode's change time, which nobody can set. */
export function isOlder(stats: Stats, age: number): boolean {
  // Date.now() has no fractions of a millisecond.
  return Date.now() - Math.floor(stats.ctimeMs) >= age
}
