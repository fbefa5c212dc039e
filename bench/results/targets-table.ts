import { figure, spreadFigure } from '../harness/figures.js'
import { formatTable } from '../harness/table.js'
import { type Target, verdict } from './target.js'

/** All targets, what was measured and whether it is enough. */
export function targetsTable(targets: readonly Target[]): string {
  const rows = targets.map((target) => {
    const goal = 'least' in target.goal ? `≥ ${figure(target.goal.least)}` : `≤ ${figure(target.goal.most)}`
    return [target.name, spreadFigure(target.measured), goal, verdict(target)]
  })
  return formatTable(['target', 'measured', 'goal', ''], rows)
}
