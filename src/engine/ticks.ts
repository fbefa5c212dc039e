import { performance } from 'node:perf_hooks'

/*
 * Moments in whole microseconds, modulo 2^32: a small integer, where a floating-point number would be an object of its
 * own for every pending operation. Good for spans of up to half an hour.
 */

/** Now. */
export function ticks(): number {
  return (performance.now() * 1000) | 0
}

/** Microseconds from one moment to another. */
export function ticksBetween(earlier: number, later: number): number {
  return (later - earlier) | 0
}
