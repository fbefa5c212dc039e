/** What a measurement of memory or of a single operation is told. */
export interface MeasurementOptions {
  /** A folder of its own. */
  readonly directory: string
  /** How many saves, sessions or operations, depending on what is measured. */
  readonly amount: number
}

/** One figure and, where the design promises something, what it has to be at the most. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly most?: number
}

/** A measurement; runs in a process of its own, where `gc()` can be called. */
export type Measurement = (options: MeasurementOptions) => Promise<Figure[]>

/** Bytes in use after a full garbage collection: JavaScript objects and the buffers that belong to them. */
export function bytesInUse(): number {
  if (globalThis.gc === undefined) throw new Error('this needs node --expose-gc')
  // Buffers of a collection are freed beside it; the next collection waits for that.
  for (let round = 0; round < 3; round++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
