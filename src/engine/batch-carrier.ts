import type { RequestWriter } from '../../workers/protocol/index.js'

/** A worker died with a task in its hands: whether it took effect is unknown. The cause says what it died of. */
export class WorkerLostError extends Error {}

/** Takes batches to workers and back. */
export interface BatchCarrier {
  /**
   * Hands over one batch; its buffer is transferred. Resolves with its reply, or `null` when every slot is done.
   * @throws {WorkerLostError}
   */
  apply(wire: ArrayBuffer): Promise<ArrayBuffer | null>
  /** A buffer that has come back and may be filled again. */
  takeSpare(): ArrayBuffer | undefined
}

/** Unique to a batch: what its slots' write ids are made of. */
export type Nonce = readonly [low: number, high: number]

/** So often a whole batch is handed to a worker; after that each of its operations goes alone. */
const WHOLE_ATTEMPTS = 2

/**
 * A batch whose worker dies goes to another one: all operations may be done twice, creates know their own record.
 *
 * @param age milliseconds that whoever came last has waited
 */
export async function applyWhole(
  carrier: BatchCarrier,
  writer: RequestWriter,
  nonce: Nonce,
  age: number,
): Promise<ArrayBuffer | null | WorkerLostError> {
  let attempt = 0
  let loss: WorkerLostError
  do {
    try {
      return await carrier.apply(writer.toWire(attempt, nonce, carrier.takeSpare(), age))
    } catch (error) {
      // No room for another copy of the batch, say: for a single operation there may be.
      if (!(error instanceof WorkerLostError))
        return new WorkerLostError('the batch could not be handed over', { cause: error })
      loss = error
    }
  } while (++attempt < WHOLE_ATTEMPTS)
  return loss
}

/** Where a slot lies, and its ordinal. */
export interface SlotPlace {
  readonly offset: number
  readonly slot: number
}

/** One slot of a batch alone: where one of them kills workers, so it seems, only that one is to fail. */
export async function applySingly(
  carrier: BatchCarrier,
  writer: RequestWriter,
  { offset, slot }: SlotPlace,
  nonce: Nonce,
  first: WorkerLostError,
): Promise<ArrayBuffer | null | WorkerLostError> {
  try {
    return await carrier.apply(writer.slotToWire(offset, slot, WHOLE_ATTEMPTS, nonce))
  } catch (error) {
    return error instanceof WorkerLostError ? error : first
  }
}
