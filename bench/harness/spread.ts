/** The middle of several rounds, and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** The spread of some figures; `undefined` when there are none. */
export function spreadOf(figures: readonly number[]): Spread | undefined {
  const sorted = figures.toSorted((a, b) => a - b)
  const least = sorted[0]
  const most = sorted.at(-1)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  if (least === undefined || most === undefined || upper === undefined || lower === undefined)
    return undefined
  return { median: (lower + upper) / 2, least, most }
}
