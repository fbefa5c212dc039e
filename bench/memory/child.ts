import { measureCheckpoints } from './checkpoints.js'
import { measureFlat } from './flat.js'
import { measureLatency } from './latency.js'
import type { Figure, Measurement, MeasurementOptions } from './measurement.js'
import { measureOpening } from './opening.js'
import { measurePending } from './pending.js'
import { measureRecovery } from './recovery.js'

/* The process of one measurement: takes one request, answers, ends. It also ends when its parent does. */

const MEASUREMENTS = {
  pending: measurePending,
  flat: measureFlat,
  opening: measureOpening,
  latency: measureLatency,
  checkpoints: measureCheckpoints,
  recovery: measureRecovery,
} satisfies Record<string, Measurement>

/** Names of the measurements. */
export type MeasurementName = keyof typeof MEASUREMENTS

/** What the process is asked. */
export interface MeasurementRequest {
  readonly name: MeasurementName
  readonly options: MeasurementOptions
}

/** What it answers. */
export type MeasurementAnswer = { readonly figures: Figure[] } | { readonly reason: string }

async function answer({ name, options }: MeasurementRequest): Promise<MeasurementAnswer> {
  try {
    return { figures: await MEASUREMENTS[name](options) }
  } catch (error) {
    return { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.once('message', async (request: MeasurementRequest) => {
  const reply = await answer(request)
  if (process.connected) process.send?.(reply)
})
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => undefined)
