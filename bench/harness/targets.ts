import { figure, spreadFigure } from './figures.js'
import type { EntryResults } from './interleave.js'
import type { Measure } from './results-table.js'
import { type Spread, spreadOf } from './spread.js'
import { formatTable } from './table.js'

/** A goal that the median of a figure has to reach. */
export interface Target {
  readonly name: string
  readonly goal: { readonly least: number } | { readonly most: number }
  readonly measured: Spread | undefined
}

/**
 * One entry's figure over another one's, round by round: what disturbed a round disturbed both of them. Without
 * a second entry, the figure itself.
 */
export function ratio(
  results: readonly EntryResults[],
  measure: Measure,
  entryId: string,
  toId?: string,
): Spread | undefined {
  const rounds = roundsOf(results, entryId)
  const others = toId === undefined ? undefined : roundsOf(results, toId)
  if (rounds === undefined || (toId !== undefined && others === undefined)) return undefined
  const ratios: number[] = []
  for (const [index, round] of rounds.entries()) {
    const other = others?.[index]
    const value = measure(round)
    const base = other === undefined ? 1 : measure(other)
    if (value !== undefined && base !== undefined && base !== 0) ratios.push(value / base)
  }
  return spreadOf(ratios)
}

/** `ok`, `missed`, or that there was nothing to compare. */
export function verdict({ goal, measured }: Target): 'ok' | 'missed' | 'not measured' {
  if (measured === undefined) return 'not measured'
  const reached = 'least' in goal ? measured.median >= goal.least : measured.median <= goal.most
  return reached ? 'ok' : 'missed'
}

/** All targets, what was measured and whether it is enough. */
export function targetsTable(targets: readonly Target[]): string {
  const rows = targets.map((target) => {
    const goal = 'least' in target.goal ? `≥ ${figure(target.goal.least)}` : `≤ ${figure(target.goal.most)}`
    return [target.name, spreadFigure(target.measured), goal, verdict(target)]
  })
  return formatTable(['target', 'measured', 'goal', ''], rows)
}

function roundsOf(results: readonly EntryResults[], id: string): EntryResults['rounds'] | undefined {
  return results.find(({ entry }) => entry.id === id)?.rounds
}
