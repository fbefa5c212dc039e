import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as echarts from 'echarts'
import { chartOf, isOurs } from './charts/chart.js'
import { DARK, LIGHT, type Theme } from './charts/theme.js'
import { figure, spreadFigure } from './harness/figures.js'
import { spreadOf } from './harness/spread.js'
import { REPORT } from './report-files.js'
import type { MeasureName } from './results/measures.js'
import type { Group, Line } from './results/result.js'
import { type Run, readRun } from './results/run.js'

/** From the folder of what tsc has made back to the root. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WIDTH = 760
const BEGINS = '<!-- benchmark: written by npm run bench -- readme -->'
const ENDS = '<!-- end of benchmark -->'

/**
 * Puts the chart of the last whole run into docs, and its table into the README, losses as well as wins.
 * @returns the files that it has written
 * @throws {Error} when there is no whole run, or no place for it
 */
export function writeReadme(): string[] {
  const run = readRun(join(REPORT, 'results.json'))
  if (run.quick) throw new Error('the last run was a quick one: npm run bench makes one for the README')
  const group = run.sections.find(({ name }) => name === 'peers')?.groups[0]
  if (group === undefined) throw new Error('the last run has no section "peers"')
  const charts = [
    ['benchmark-light.svg', LIGHT],
    ['benchmark-dark.svg', DARK],
  ] as const
  for (const [name, theme] of charts)
    writeFileSync(join(ROOT, 'docs', name), chartSvg(group, 'perSecond', theme))
  const readme = join(ROOT, 'README.md')
  const text = readFileSync(readme, 'utf8')
  const [from, to] = [text.indexOf(BEGINS), text.indexOf(ENDS)]
  if (from === -1 || to < from) throw new Error(`README.md has no lines "${BEGINS}" and "${ENDS}"`)
  writeFileSync(readme, `${text.slice(0, from + BEGINS.length)}\n${markdown(run, group)}\n${text.slice(to)}`)
  return [...charts.map(([name]) => join('docs', name)), relative(ROOT, readme)]
}

function chartSvg(group: Group, measure: MeasureName, theme: Theme): string {
  const { option, height } = chartOf(group, measure, theme)
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({ ...option, textStyle: { color: theme.text, fontFamily: 'system-ui, sans-serif' } })
    return `${chart.renderToSVGString()}\n`
  } finally {
    chart.dispose()
  }
}

function markdown(run: Run, group: Group): string {
  const rows = group.lines.map((line) => {
    const label = isOurs(line) ? `**${line.label}**` : line.label
    const cells = [
      label,
      cell(line, 'perSecond'),
      cell(line, 'loopMicroseconds'),
      middle(line, 'p99Milliseconds'),
      line.survives ?? '',
      line.sharedBy ?? '',
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '',
    '<picture>',
    '  <source media="(prefers-color-scheme: dark)" srcset="docs/benchmark-dark.svg">',
    '  <img alt="Requests a second in each store; the figures stand in the table below" src="docs/benchmark-light.svg">',
    '</picture>',
    '',
    '| a session loaded, changed and saved | a second | event loop µs | p99 ms | survives | shared by |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    `Medians of interleaved rounds, least and most in brackets; ${run.at.slice(0, 10)}, ${run.machine}; ${run.places.at(-1)?.split(',')[0]}.`,
    '',
  ].join('\n')
}

function cell({ figures }: Line, name: MeasureName): string {
  return spreadFigure(spreadOf(figures[name] ?? []))
}

function middle({ figures }: Line, name: MeasureName): string {
  const spread = spreadOf(figures[name] ?? [])
  return spread === undefined ? '–' : figure(spread.median)
}
