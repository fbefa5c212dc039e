import { spreadOf } from '../harness/spread.js'
import type { Group } from './result.js'

/** How what an operation costs goes with the axis, for each curve, in words. None for what has no axis. */
export function slopesOf({ axis, lines }: Group): string[] {
  if (axis === undefined) return []
  const names = [...new Set(lines.map(({ curve }) => curve ?? ''))]
  return names.flatMap((name) => {
    const points = lines
      .filter(
        ({ curve, at, figures }) =>
          curve === name && at !== undefined && figures.processMicroseconds !== undefined,
      )
      .map(({ at = 1, figures }) => [at, spreadOf(figures.processMicroseconds ?? [])?.median ?? 0] as const)
    const [first, last] = [points[0], points.at(-1)]
    if (first === undefined || last === undefined || points.length < 2) return []
    const perTenfold = (10 ** logSlope(points) - 1) * 100
    const whole = last[1] / first[1]
    return [
      `${name}: with each tenfold of ${axis.title}, the processor time of an operation changes by ${signed(perTenfold)} %; from ${first[0]} to ${last[0]} it is ${whole.toFixed(2)} times as much.`,
    ]
  })
}

/** Of the straight line through the logarithms of both, by least squares. */
export function logSlope(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log10(x), Math.log10(y)] as const)
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length
  const across = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / across
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
}
