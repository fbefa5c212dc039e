import type { Stats } from 'node:fs'

/**
 * Whether a file has been left alone for so many milliseconds: by its inode's change time, which nobody can set. One that
 * is as far in the future was made before the clock was set back, and is litter, too: nobody would wait for that time.
 */
export function isOlder(stats: Stats, age: number): boolean {
  // Date.now() has no fractions of a millisecond.
  return Math.abs(Date.now() - Math.floor(stats.ctimeMs)) >= age
}
