import type { Call } from './model.js'

/*
 * What callers do to hot keys, chosen from a seed.
 *
 * Within one engine everything goes with everything. What plain POSIX calls leave open where several processes meet in one
 * key stands in docs/architecture.md under "Known limits"; there, each key has a profile, and none of them lets
 * those operations meet of which that page says that they may go wrong:
 *
 * - an update, a delete and a create: no profile has all three, nor a save in the place of the create
 * - a replace and a save or an update: no profile has both
 * - touches that shorten a life: all that is written lives one life, all touches give another, longer one
 */

/** How often each kind of call comes, and what lives they give. */
export interface Profile {
  readonly weights: Readonly<Partial<Record<Call['kind'], number>>>
  /** `many`: shorter and longer ones, and some that are over; `two`: what is written has a shorter one than what is touched. */
  readonly lives: 'many' | 'two'
  /** Saved once, alone, before all others begin. */
  readonly saved?: boolean
}

const LOOKS = { load: 3, loadWithExpiry: 1, exists: 1 }

/** What is done to a key, by name. */
export const PROFILES = {
  /** For one engine alone. */
  everything: {
    weights: { create: 3, update: 3, save: 3, replace: 4, touch: 2, delete: 2, loadVersion: 3, ...LOOKS },
    lives: 'many',
  },
  /** One wins, and nobody's change is lost. */
  exclusive: {
    weights: { create: 3, replace: 6, delete: 1, touch: 1, loadVersion: 5, ...LOOKS },
    lives: 'two',
  },
  /** Whoever comes last is right. */
  overwritten: { weights: { save: 4, update: 4, touch: 1, ...LOOKS }, lives: 'two' },
  /** Sessions that come and go. */
  revived: { weights: { create: 4, save: 1, delete: 3, touch: 1, ...LOOKS }, lives: 'two' },
  /** A session that is in use when somebody logs out; it never comes back. */
  ended: { weights: { update: 8, touch: 2, delete: 0.3, ...LOOKS }, lives: 'two', saved: true },
} as const satisfies Record<string, Profile>

/** A profile's name. */
export type ProfileName = keyof typeof PROFILES

/** The lives that there are: 0 is over. */
export const MOST_LIVES = 1000

/** Of a profile's calls, one; `known`: what a replace may be meant for. */
export function chooseCall(
  profile: Profile,
  random: (bound: number) => number,
  value: number,
  known: readonly number[],
): Call {
  const kind = chooseKind(profile, random)
  const written = { value, life: writtenLife(profile, random) }
  switch (kind) {
    case 'create':
    case 'update':
    case 'save':
      return { kind, ...written }
    case 'replace': {
      // Mostly the last one: somebody else may have been faster.
      const expected = known[Math.max(0, known.length - 1 - (random(5) === 0 ? random(4) : 0))]
      return expected === undefined ? { kind: 'loadVersion' } : { kind, ...written, expected }
    }
    case 'touch':
      return { kind, life: profile.lives === 'two' ? 2 : lifeOfMany(random) }
    default:
      return { kind }
  }
}

function chooseKind({ weights }: Profile, random: (bound: number) => number): Call['kind'] {
  const entries = Object.entries(weights) as [Call['kind'], number][]
  const sum = entries.reduce((total, [, weight]) => total + weight, 0)
  let at = random(sum * 10) / 10
  for (const [kind, weight] of entries) {
    at -= weight
    if (at < 0) return kind
  }
  return 'load'
}

function writtenLife(profile: Profile, random: (bound: number) => number): number {
  return profile.lives === 'two' ? 1 : lifeOfMany(random)
}

function lifeOfMany(random: (bound: number) => number): number {
  return random(12) === 0 ? 0 : 1 + random(MOST_LIVES - 1)
}
