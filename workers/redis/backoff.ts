const FIRST = 50

/**
 * Milliseconds to wait before the next attempt after so many that failed: doubled each time, and somewhere in the upper half of
 * that, so that not all clients of a server that comes back come at once. The first comes at once, none later than `longest`.
 */
export function backoff(failures: number, longest: number, random: () => number = Math.random): number {
  if (failures === 0) return 0
  return Math.min(longest, FIRST * 2 ** (failures - 1)) * (0.5 + random() / 2)
}
