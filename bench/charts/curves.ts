import type { EChartsOption } from 'echarts'
import { figure } from '../harness/figures.js'
import { spreadOf } from '../harness/spread.js'
import { MEASURES, type MeasureName } from '../results/measures.js'
import type { Axis, Group } from '../results/result.js'
import { shortFigure } from './short-figure.js'
import type { Theme } from './theme.js'
import { whiskers } from './whiskers.js'

/** Pixels of one name in the legend. */
export const LEGEND_ROW = 20

/** A measure along an axis of factors, a line for each curve. */
export function curveOption(group: Group, axis: Axis, measure: MeasureName, theme: Theme): EChartsOption {
  const names = [...new Set(group.lines.map(({ curve }) => curve ?? ''))]
  const curves = names.map((name, index) => ({
    name,
    color: theme.curves[index % theme.curves.length] ?? theme.text,
    points: group.lines
      .filter(({ curve, figures }) => curve === name && figures[measure] !== undefined)
      .map(({ at = 0, figures }) => ({ at, spread: spreadOf(figures[measure] ?? []) })),
  }))
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit', color: theme.text },
    // One under the other: there is room for any name on a phone.
    legend: {
      top: 0,
      left: 0,
      orient: 'vertical',
      itemGap: 4,
      textStyle: { color: theme.text },
      icon: 'circle',
    },
    grid: { left: 48, right: 20, top: 14 + LEGEND_ROW * names.length, bottom: 44 },
    xAxis: {
      type: 'log',
      name: axis.title,
      nameLocation: 'middle',
      nameGap: 26,
      nameTextStyle: { color: theme.faint },
      axisLabel: { color: theme.faint, formatter: shortFigure, hideOverlap: true },
      splitLine: { show: false },
      axisLine: { lineStyle: { color: theme.grid } },
    },
    yAxis: {
      type: 'value',
      min: 0,
      splitNumber: 4,
      axisLabel: { color: theme.faint, formatter: shortFigure },
      splitLine: { lineStyle: { color: theme.grid } },
    },
    series: curves.flatMap(({ name, color, points }) => [
      {
        type: 'line' as const,
        name,
        color,
        symbolSize: 7,
        symbol: 'circle',
        data: points.map(({ at, spread }) => [at, spread?.median ?? 0]),
      },
      whiskers(
        points.map(({ at, spread }) => [at, spread?.least ?? 0, at, spread?.most ?? 0]),
        { ...theme, whisker: color },
      ),
    ]),
    tooltip: {
      trigger: 'item',
      confine: true,
      formatter: (shown) => {
        const one = Array.isArray(shown) ? shown[0] : shown
        const [at = 0, value = 0] = (one?.value ?? []) as number[]
        return `${one?.seriesName}<br>${figure(at)} ${axis.unit}: ${figure(value)}<br>${MEASURES[measure].meaning}`
      },
    },
  }
}
