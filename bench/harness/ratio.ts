import type { RoundResult } from './contestant.js'
import type { EntryResults } from './interleave.js'
import { type Spread, spreadOf } from './spread.js'

/** A figure that a round has, or has not. */
export type Reading = (round: RoundResult) => number | undefined

/**
 * One entry's figure over another one's, round by round: what disturbed a round disturbed both of them. Without
 * a second entry, the figure itself.
 */
export function ratio(
  results: readonly EntryResults[],
  reading: Reading,
  entryId: string,
  toId?: string,
): Spread | undefined {
  const rounds = roundsOf(results, entryId)
  const others = toId === undefined ? undefined : roundsOf(results, toId)
  if (rounds === undefined || (toId !== undefined && others === undefined)) return undefined
  const ratios: number[] = []
  for (const [index, round] of rounds.entries()) {
    const other = others?.[index]
    const value = reading(round)
    const base = other === undefined ? 1 : reading(other)
    if (value !== undefined && base !== undefined && base !== 0) ratios.push(value / base)
  }
  return spreadOf(ratios)
}

function roundsOf(results: readonly EntryResults[], id: string): EntryResults['rounds'] | undefined {
  return results.find(({ entry }) => entry.id === id)?.rounds
}
