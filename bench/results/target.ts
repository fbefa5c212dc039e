import type { Spread } from '../harness/spread.js'

/** A goal that the median of a figure has to reach. */
export interface Target {
  readonly name: string
  readonly goal: { readonly least: number } | { readonly most: number }
  readonly measured: Spread | undefined
}

/** `ok`, `missed`, or that there was nothing to compare. */
export function verdict({ goal, measured }: Target): 'ok' | 'missed' | 'not measured' {
  if (measured === undefined) return 'not measured'
  const reached = 'least' in goal ? measured.median >= goal.least : measured.median <= goal.most
  return reached ? 'ok' : 'missed'
}
