import type { Spread } from './spread.js'

const NONE = '–'

/** A figure to three digits, thousands apart: 0.123, 4.56, 78.9, 1 234. */
export function figure(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 100)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ' ')
  return value.toFixed(magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3)
}

/** Median and, in brackets, least and most. */
export function spreadFigure(spread: Spread | undefined): string {
  if (spread === undefined) return NONE
  return `${figure(spread.median)} (${figure(spread.least)}–${figure(spread.most)})`
}
