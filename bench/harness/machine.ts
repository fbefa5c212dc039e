import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

/** The machine, in a line. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${availableParallelism()} × ${model}, ${memory}, ${type()} ${release()}, Node ${process.versions.node}`
}

/** A warning where others are using the processors, too; figures are worth less then. */
export function describeLoad(): string | undefined {
  const load = loadavg()[0] ?? 0
  if (load < 0.5) return undefined
  return `The machine is not idle: ${load.toFixed(1)} on average were running in the last minute.`
}
