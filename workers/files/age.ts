import type { Stats } from 'node:fs'

/** Whether so many milliseconds have passed since the last change of the inode, whose time nobody can set. */
export function isOlder(stats: Stats, age: number): boolean {
  // Date.now() has no fractions of a millisecond.
  return Date.now() - Math.floor(stats.ctimeMs) >= age
}
