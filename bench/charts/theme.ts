/** Colours of a chart: CSS colours, as the page has them. */
export interface Theme {
  readonly text: string
  readonly faint: string
  readonly grid: string
  readonly ours: string
  readonly others: string
  readonly whisker: string
  readonly curves: readonly string[]
}

/** On white. */
export const LIGHT: Theme = {
  text: '#1f2933',
  faint: '#5b6875',
  grid: '#e3e8ee',
  ours: '#0f766e',
  others: '#b3bfcb',
  whisker: '#1f2933',
  curves: ['#0f766e', '#c2410c', '#4338ca', '#a16207'],
}

/** On nearly black. */
export const DARK: Theme = {
  text: '#e5e9ee',
  faint: '#9aa7b4',
  grid: '#2c3640',
  ours: '#2dd4bf',
  others: '#556270',
  whisker: '#e5e9ee',
  curves: ['#2dd4bf', '#fb923c', '#a5b4fc', '#facc15'],
}
