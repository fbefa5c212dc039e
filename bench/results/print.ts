import { figure, spreadFigure } from '../harness/figures.js'
import { spreadOf } from '../harness/spread.js'
import { formatTable } from '../harness/table.js'
import { MEASURES, type Measure, type MeasureName } from './measures.js'
import type { Group, Line, SectionResult } from './result.js'
import { slopesOf } from './slopes.js'
import { targetsTable } from './targets-table.js'

/** A section for a terminal or a file. */
export function sectionText(section: SectionResult): string {
  const blocks = [
    [
      `\n${section.title}`,
      ...section.about,
      `again: ${section.command}${section.seconds === undefined ? '' : ` (this took ${section.seconds} s)`}`,
      ...section.missing,
    ].join('\n'),
  ]
  for (const group of section.groups)
    blocks.push([group.title, groupTable(group), ...slopesOf(group)].join('\n'))
  const facts = section.facts ?? []
  if (facts.length > 0)
    blocks.push(
      formatTable(
        ['', 'measured'],
        facts.map(({ name, value, unit }) => [name, `${figure(value)} ${unit}`.trim()]),
      ),
    )
  const taken = section.targets.filter(({ measured }) => measured !== undefined)
  if (taken.length > 0)
    blocks.push(
      `targets, for 2 processors; ratios are taken within each round, then their median\n${targetsTable(taken)}`,
    )
  return blocks.join('\n\n')
}

function groupTable({ measures, lines, axis }: Group): string {
  const told = measures.filter(
    (name) => !isDetail(name) && lines.some(({ figures }) => figures[name] !== undefined),
  )
  const promises = lines.some(({ survives }) => survives !== undefined)
  const head = [
    axis === undefined ? '' : axis.title,
    ...told.map((name) => MEASURES[name].title),
    ...(promises ? ['survives', 'shared by'] : []),
  ]
  const rows = lines.map((line) => [
    line.label,
    ...told.map((name) => cell(line, name)),
    ...(promises ? [line.survives ?? '', line.sharedBy ?? ''] : []),
  ])
  return formatTable(head, rows)
}

function isDetail(name: MeasureName): boolean {
  const measure: Measure = MEASURES[name]
  return measure.detail === true
}

function cell({ figures }: Line, name: MeasureName): string {
  const spread = spreadOf(figures[name] ?? [])
  if (spread === undefined) return '–'
  return MEASURES[name].spread ? spreadFigure(spread) : figure(spread.median)
}
