import type { SoakRun } from './soak.js'

const MIB = 2 ** 20

/** What both profiles have. */
type Profile = Omit<SoakRun, 'rounds' | 'atLeast' | 'requests' | 'where'>

const VISITORS = { visitors: 64, sessions: 50, strangers: 1 }

/** Every save its own file. */
export const DIRECT: Profile = {
  ...VISITORS,
  storage: 'direct',
  lives: { files: 40_000, journal: 0 },
  bounds: {
    rssBytes: 24 * MIB,
    heapBytes: 1 * MIB,
    descriptors: 2,
    temporary: 12,
    entries: 2000,
    litterOfDeath: 3,
    journalBytes: 0,
  },
}

/** With a journal in front. */
export const JOURNAL: Profile = {
  ...VISITORS,
  storage: 'journal',
  lives: { files: 40_000, journal: 4000 },
  // Of its many threads that die, memory that is free stays the process's: it wanders by 40 MiB, and has no trend in 800 deaths.
  bounds: { ...DIRECT.bounds, rssBytes: 64 * MIB, journalBytes: 96 * MIB },
}

/** On a server, which ends all connections between two samples. Workers live for so many batches. */
export const REDIS: Profile = {
  ...VISITORS,
  storage: 'redis',
  lives: { files: 4000, journal: 0 },
  // What its workers' clients hold of answers comes and goes with the batches.
  bounds: { ...DIRECT.bounds, rssBytes: 64 * MIB, temporary: 0, litterOfDeath: 0 },
}
