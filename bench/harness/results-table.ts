import type { RoundResult } from './contestant.js'
import { medianFigure, spreadFigure } from './figures.js'
import type { EntryResults } from './interleave.js'
import { type Spread, spreadOf } from './spread.js'
import { formatTable } from './table.js'

/** A figure that each round has, or has not. */
export type Measure = (round: RoundResult) => number | undefined

/** A measure over all rounds of an entry. */
export function spreadOver(results: EntryResults, measure: Measure): Spread | undefined {
  return spreadOf(results.rounds.map(measure).filter((value) => value !== undefined))
}

/** The comparison as a table: one line for each entry, medians over the rounds. */
export function resultsTable(all: readonly EntryResults[], operations: string): string {
  const head = ['', `${operations}/s`, 'loop µs', 'main thread CPU µs', 'process CPU µs', 'p50 ms', 'p99 ms']
  return formatTable(head, all.map(row))
}

function row(results: EntryResults): string[] {
  const server = spreadOver(results, (round) => round.serverMicroseconds)
  const cpu = medianFigure(spreadOver(results, (round) => round.processMicroseconds))
  return [
    results.entry.label,
    spreadFigure(spreadOver(results, (round) => round.perSecond)),
    spreadFigure(spreadOver(results, (round) => round.loopMicroseconds)),
    medianFigure(spreadOver(results, (round) => round.mainThreadMicroseconds)),
    server === undefined ? cpu : `${cpu} + server ${medianFigure(server)}`,
    medianFigure(spreadOver(results, (round) => round.p50Milliseconds)),
    medianFigure(spreadOver(results, (round) => round.p99Milliseconds)),
  ]
}
