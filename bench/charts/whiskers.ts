import type { CustomSeriesOption } from 'echarts'
import type { Theme } from './theme.js'

const HALF = 4

/**
 * How far the rounds lie apart: a thin line from the least to the most, closed at both ends.
 * @param data for each, where it begins and where it ends: x, y, x, y
 */
export function whiskers(data: readonly (readonly number[])[], theme: Theme): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    z: 5,
    data: data.map((one) => [...one]),
    encode: { x: [0, 2], y: [1, 3] },
    renderItem: (_, api) => {
      const [fromX = 0, fromY = 0] = api.coord([api.value(0), api.value(1)])
      const [toX = 0, toY = 0] = api.coord([api.value(2), api.value(3)])
      const lies = fromY === toY
      const [acrossX, acrossY] = lies ? [0, HALF] : [HALF, 0]
      const line = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line' as const,
        shape: { x1, y1, x2, y2 },
        style: { stroke: theme.whisker, lineWidth: 1, opacity: 0.7 },
      })
      return {
        type: 'group',
        children: [
          line(fromX, fromY, toX, toY),
          line(fromX - acrossX, fromY - acrossY, fromX + acrossX, fromY + acrossY),
          line(toX - acrossX, toY - acrossY, toX + acrossX, toY + acrossY),
        ],
      }
    },
  }
}
