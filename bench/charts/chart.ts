import type { EChartsOption } from 'echarts'
import { figure } from '../harness/figures.js'
import { spreadOf } from '../harness/spread.js'
import { MEASURES, type MeasureName } from '../results/measures.js'
import type { Group, Line } from '../results/result.js'
import { curveOption, LEGEND_ROW } from './curves.js'
import { shortFigure } from './short-figure.js'
import type { Theme } from './theme.js'
import { whiskers } from './whiskers.js'

/** Pixels of one bar with its name above it. */
const BAR_ROW = 40
const BAR_THICKNESS = 12
const CURVES_HEIGHT = 260

/** What is drawn, and how high it has to be. */
export interface Chart {
  readonly option: EChartsOption
  /** Pixels. */
  readonly height: number
}

/** Draws one measure of a group: bars, or curves where there is something to run along. */
export function chartOf(group: Group, measure: MeasureName, theme: Theme): Chart {
  if (group.axis !== undefined)
    return {
      option: curveOption(group, group.axis, measure, theme),
      height: CURVES_HEIGHT + LEGEND_ROW * new Set(group.lines.map(({ curve }) => curve)).size,
    }
  const lines = group.lines.filter(({ figures }) => figures[measure] !== undefined)
  return { option: barOption(lines, measure, theme), height: lines.length * BAR_ROW + 34 }
}

/** Whether a line is one of ours: those stand out. */
export function isOurs({ label }: Line): boolean {
  return label.includes('coatcheck')
}

/** Each bar has its name above it, so that there is room for both on a phone. */
function barOption(lines: readonly Line[], measure: MeasureName, theme: Theme): EChartsOption {
  const spreads = lines.map((line) => spreadOf(line.figures[measure] ?? []))
  const most = Math.max(...spreads.map((spread) => spread?.most ?? 0))
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit', color: theme.text },
    // To the right of the longest bar there is its figure.
    grid: { left: 4, right: 64, top: 8, bottom: 24 },
    xAxis: {
      type: 'value',
      max: most,
      splitNumber: 4,
      axisLabel: { color: theme.faint, formatter: shortFigure, hideOverlap: true, showMaxLabel: false },
      splitLine: { lineStyle: { color: theme.grid } },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: lines.map(({ label }) => label),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: theme.grid } },
      axisLabel: {
        inside: true,
        color: theme.text,
        fontSize: 12,
        verticalAlign: 'bottom',
        padding: [0, 0, BAR_THICKNESS - 1, 0],
        margin: 0,
      },
      z: 10,
    },
    series: [
      {
        type: 'bar',
        barWidth: BAR_THICKNESS,
        data: lines.map((line, index) => ({
          value: spreads[index]?.median ?? 0,
          itemStyle: { color: isOurs(line) ? theme.ours : theme.others },
        })),
      },
      whiskers(
        spreads.map((spread, index) => [spread?.least ?? 0, index, spread?.most ?? 0, index]),
        theme,
      ),
      {
        // The figures, behind the whiskers.
        type: 'scatter',
        symbolSize: 0,
        silent: true,
        data: spreads.map((spread, index) => [spread?.most ?? 0, index]),
        label: {
          show: true,
          position: 'right',
          distance: 8,
          color: theme.text,
          formatter: ({ dataIndex }) => figure(spreads[dataIndex]?.median ?? 0),
        },
      },
    ],
    tooltip: {
      trigger: 'axis',
      axisPointer: { type: 'shadow' },
      confine: true,
      formatter: (shown) => {
        const index = Array.isArray(shown) ? (shown[0]?.dataIndex ?? 0) : shown.dataIndex
        const spread = spreads[index]
        if (spread === undefined) return ''
        const { median, least, most: highest } = spread
        return `${escaped(lines[index]?.label ?? '')}<br>${figure(median)} (${figure(least)}–${figure(highest)})<br>${MEASURES[measure].meaning}`
      },
    },
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
