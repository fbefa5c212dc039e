import type { Failure } from './reply.js'
import type { SliceLength, StorageDescription, WalkKind } from './storage.js'

/** Which storage a worker is the hand of. */
export interface StorageBinding {
  readonly module: string
  readonly options: unknown
  /** See {@link StorageDescription}. */
  readonly youngGeneration?: StorageDescription['youngGeneration']
}

/** `workerData` of every pool. */
export interface WorkerBinding extends StorageBinding {
  /** By how much other threads go first where processors are short: 0 to 19, as for nice(1). */
  readonly niceness: number
  /** Which of the process's pools it is of. */
  readonly pool: number
  /** Where connections are counted; only of a storage that waits for others. */
  readonly connections?: SharedArrayBuffer | undefined
}

/** A batch under way: the only message of the hot path. */
export type BatchTask = ArrayBuffer

/** One step of a walk. The id is the engine's. */
export interface WalkTask {
  readonly id: number
  readonly kind: WalkKind
  readonly step: 'start' | 'next' | 'end'
  /** Default `short`. */
  readonly length?: SliceLength
}

/**
 * The answer of a worker that could not open its storage for want of descriptors: a module that could not be read is one
 * that a thread never reads again, so it has to be ended. Instead of a batch's reply, or of a failure.
 */
export interface LastAnswer {
  readonly answer: ArrayBuffer | Failure
  readonly thread: number
}
