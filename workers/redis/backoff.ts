import { setTimeout as delay } from 'node:timers/promises'

const FIRST = 50
/** Milliseconds between two rounds, at the most, while a server is away: another one may be in its place. */
const LONGEST_PAUSE = 250

/**
 * Milliseconds to wait before the next attempt after so many that failed: doubled each time, and somewhere in the upper half of
 * that, so that not all clients of a server that comes back come at once. The first comes at once, none later than `longest`.
 */
export function backoff(failures: number, longest: number, random: () => number = Math.random): number {
  if (failures === 0) return 0
  return Math.min(longest, FIRST * 2 ** (failures - 1)) * (0.5 + random() / 2)
}

/** Resolves when the next round may begin after so many that failed; a quarter of the time that is left is the longest it takes. */
export async function pause(failures: number, deadline: number): Promise<void> {
  const timeLeft = Math.max(0, deadline - performance.now())
  await delay(backoff(failures, Math.min(LONGEST_PAUSE, timeLeft / 4)))
}
