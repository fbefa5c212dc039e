import type { Failure } from './reply.js'
import type { WalkKind } from './storage.js'

/** `workerData` of every pool: which storage this worker is the hand of. */
export interface StorageBinding {
  readonly module: string
  readonly options: unknown
}

/** A batch under way: the only message of the hot path. */
export type BatchTask = ArrayBuffer

/** One step of a walk. The id is the engine's. */
export interface WalkTask {
  readonly id: number
  readonly kind: WalkKind
  readonly step: 'start' | 'next' | 'end'
}

/**
 * The answer of a worker that could not open its storage for want of descriptors: a module that could not be read is one
 * that a thread never reads again, so it has to be ended. Instead of a batch's reply, or of a failure.
 */
export interface LastAnswer {
  readonly answer: ArrayBuffer | Failure
  readonly thread: number
}
