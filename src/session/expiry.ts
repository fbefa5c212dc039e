import type { Expiry } from '../engine/options.js'
import { refuse } from '../option-checks.js'

/*
 * When a session expires. Django keeps what was asked for in the session itself, and so do we: a number of seconds, or
 * a moment in ISO 8601.
 */

/** The name in the session under which Django keeps an expiry of the session's own. */
export const EXPIRY_NAME = '_session_expiry'

/** A length of time; the parts add up. */
export interface SessionDuration {
  readonly weeks?: number
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
}

/** What a session's expiry may be set to; see {@link Session.setExpiry}. */
export type SessionExpiry = number | Date | SessionDuration | null

/** Options of {@link Session.getExpiryAge} and {@link Session.getExpiryDate}. */
export interface ExpiryOptions {
  /** The moment that seconds count from. Default now. */
  readonly modification?: Date
  /** In place of the session's own expiry, which is not looked at then; null for the default. */
  readonly expiry?: number | Date | string | null | undefined
}

/** Milliseconds. */
const UNITS: Readonly<Record<keyof SessionDuration, number>> = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
}
const UNIT_NAMES = Object.keys(UNITS) as (keyof SessionDuration)[]

/**
 * An expiry as it is kept in the session; a duration is a moment from here on, as in Django.
 * @throws {TypeError} when it is none
 */
export function storedExpiry(expiry: Exclude<SessionExpiry, null>, now: number): number | string {
  if (typeof expiry === 'number') {
    return Number.isFinite(expiry) ? expiry : refuse('expiry', expiry, 'a finite number of seconds')
  }
  if (expiry instanceof Date) return isoMoment(expiry)
  if (typeof expiry !== 'object' || expiry === null) {
    refuse('expiry', expiry, 'a number of seconds, a Date, a duration such as { minutes: 30 }, or null')
  }
  return isoMoment(new Date(now + millisecondsOf(expiry)))
}

/** What the session says of its expiry, as far as it makes sense: seconds, a moment, or nothing. */
export function readExpiry(stored: unknown): number | Date | undefined {
  if (typeof stored === 'number') return Number.isFinite(stored) && stored !== 0 ? stored : undefined
  const moment = typeof stored === 'string' ? new Date(stored) : stored
  return moment instanceof Date && !Number.isNaN(moment.getTime()) ? moment : undefined
}

/** Whole seconds until the session expires; for what was set in seconds, just these. */
export function expiryAge(expiry: number | Date | undefined, maxAge: number, modification: Date): number {
  if (expiry === undefined) return maxAge
  if (typeof expiry === 'number') return expiry
  return Math.floor((expiry.getTime() - modification.getTime()) / 1000)
}

/** The moment at which the session expires. */
export function expiryDate(expiry: number | Date | undefined, maxAge: number, modification: Date): Date {
  if (expiry instanceof Date) return expiry
  return new Date(modification.getTime() + (expiry ?? maxAge) * 1000)
}

/** The same for the engine. */
export function engineExpiry(expiry: number | Date | undefined, byDefault: Expiry): Expiry {
  if (expiry === undefined) return byDefault
  return typeof expiry === 'number' ? { maxAge: expiry } : { expires: expiry }
}

/** Python before 3.11 does not read the `Z` that JavaScript writes. */
function isoMoment(moment: Date): string {
  if (Number.isNaN(moment.getTime())) refuse('expiry', moment, 'a valid Date')
  return moment.toISOString().replace('Z', '+00:00')
}

/** Reads properties rather than own names: the duration objects of libraries have getters. */
function millisecondsOf(duration: SessionDuration): number {
  let sum = 0
  let given = false
  for (const unit of UNIT_NAMES) {
    const amount = duration[unit]
    if (amount === undefined) continue
    if (typeof amount !== 'number' || !Number.isFinite(amount)) {
      refuse(`expiry.${unit}`, amount, `a finite number of ${unit}`)
    }
    given = true
    sum += amount * UNITS[unit]
  }
  for (const unit of ['years', 'months']) {
    const amount: unknown = Reflect.get(duration, unit)
    if (amount !== undefined && amount !== 0) {
      refuse(`expiry.${unit}`, amount, `to be absent, since ${unit} differ in length`)
    }
  }
  if (!given) refuse('expiry', duration, `a duration of ${UNIT_NAMES.join(', ')}`)
  return sum
}
