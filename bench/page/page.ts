import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { chartOf } from '../charts/chart.js'
import { DARK, LIGHT } from '../charts/theme.js'
import type { MeasureName } from '../results/measures.js'
import type { Run } from '../results/run.js'

/*
 * Draws the charts of a report into their places, as wide as those are, in the colours that the reader's system prefers.
 */

echarts.use([
  BarChart,
  LineChart,
  CustomChart,
  ScatterChart,
  GridComponent,
  TooltipComponent,
  LegendComponent,
  SVGRenderer,
])

const run = JSON.parse(document.getElementById('run')?.textContent ?? '') as Run
const dark = matchMedia('(prefers-color-scheme: dark)')
const places = [...document.querySelectorAll<HTMLElement>('[data-chart]')]

function draw(place: HTMLElement): void {
  const [section = 0, group = 0] = (place.dataset.chart ?? '').split('.').map(Number)
  const shown = run.sections[section]?.groups[group]
  if (shown === undefined) return
  const { option, height } = chartOf(shown, place.dataset.measure as MeasureName, dark.matches ? DARK : LIGHT)
  place.style.height = `${height}px`
  const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: 'svg' })
  chart.setOption(option, true)
  chart.resize()
}

const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) echarts.getInstanceByDom(target as HTMLElement)?.resize()
})
for (const place of places) {
  draw(place)
  watcher.observe(place)
}
dark.addEventListener('change', () => {
  for (const place of places) draw(place)
})
