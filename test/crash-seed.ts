import { createHash } from 'node:crypto'

/** Which moments of a crash are tried, and what is left for another run, follows from it; `CRASH_SEED` repeats those of an earlier run. */
export const CRASH_SEED = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31)

// At once: a test that hangs says nothing in the end.
console.log(`CRASH_SEED=${CRASH_SEED}`)

/** A whole number from 0 to below `bound`, of the seed's; choices by different names have nothing to do with each other. */
export function crashChoice(name: string, bound: number): number {
  return createHash('sha256').update(`${CRASH_SEED} ${name}`).digest().readUInt32LE() % bound
}
