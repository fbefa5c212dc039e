import { figure } from '../harness/figures.js'
import { type Spread, spreadOf } from '../harness/spread.js'
import { formatTable } from '../harness/table.js'
import { MEASURES, type MeasureName } from './measures.js'
import type { Run } from './run.js'

/** A figure that is not what it was: the rounds of then and of now have no value in common. */
export interface Move {
  readonly section: string
  readonly group: string
  readonly line: string
  readonly measure: MeasureName
  readonly before: Spread
  readonly now: Spread
  /** What the middle of now is of that of then. */
  readonly factor: number
  readonly better: boolean
}

/** Below this, a difference is none, however little the rounds vary. */
const NOTABLE = 0.05
/** Whose rounds are too few, or too wild, to say anything. */
const COMPARED: readonly MeasureName[] = [
  'perSecond',
  'loopMicroseconds',
  'processMicroseconds',
  'serverMicroseconds',
  'p50Milliseconds',
  'p99Milliseconds',
  'bytesWritten',
  'bytesGiven',
  'calls',
  'filesCreated',
  'syncs',
  'peakMemoryMebibytes',
  'microseconds',
]

/** What has moved beyond the spread of the rounds, the most first; and how many figures were compared. */
export function compareRuns(before: Run, now: Run): { readonly moves: Move[]; readonly compared: number } {
  const then = new Map([...figuresIn(before)].map((figure) => [figure.name, figure]))
  const moves: Move[] = []
  let compared = 0
  for (const { name, spread, ...where } of figuresIn(now)) {
    const old = then.get(name)?.spread
    if (old === undefined || old.median === 0) continue
    compared++
    const factor = spread.median / old.median
    const apart = spread.least > old.most || spread.most < old.least
    if (!apart || Math.abs(factor - 1) < NOTABLE) continue
    const better = factor > 1 === (MEASURES[where.measure].better === 'more')
    moves.push({ ...where, before: old, now: spread, factor, better })
  }
  moves.sort((one, other) => Math.abs(Math.log(other.factor)) - Math.abs(Math.log(one.factor)))
  return { moves, compared }
}

/** The same for a terminal or a file. */
export function comparisonText(before: Run, now: Run): string {
  const { moves, compared } = compareRuns(before, now)
  const head = `Against the run of ${before.at}: ${moves.length} of ${compared} figures moved beyond the spread of their rounds, and by more than ${NOTABLE * 100} %.`
  const notes = [
    ...(before.machine === now.machine ? [] : [`That was another machine: ${before.machine}.`]),
    ...(before.quick === now.quick ? [] : ['One of the two was a quick one.']),
  ]
  if (moves.length === 0) return [head, ...notes].join('\n')
  const rows = moves.map((move) => [
    `${move.section}: ${move.line}`,
    MEASURES[move.measure].title,
    figure(move.before.median),
    figure(move.now.median),
    `${move.factor >= 1 ? '+' : '−'}${figure(Math.abs(move.factor - 1) * 100)} %`,
    move.better ? 'better' : 'worse',
  ])
  return [head, ...notes, formatTable(['', 'measure', 'before', 'now', 'change', ''], rows)].join('\n')
}

function* figuresIn({
  sections,
}: Run): Generator<
  Pick<Move, 'section' | 'group' | 'line' | 'measure'> & { readonly name: string; readonly spread: Spread }
> {
  for (const section of sections)
    for (const group of section.groups)
      for (const line of group.lines)
        for (const measure of COMPARED) {
          const spread = spreadOf(line.figures[measure] ?? [])
          if (spread === undefined) continue
          const name = JSON.stringify([section.name, group.title, line.id, measure])
          yield { name, section: section.name, group: group.title, line: line.label, measure, spread }
        }
}
