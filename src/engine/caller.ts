import type { Opcode, SlotContent } from '../../workers/protocol/index.js'

/** What a load asks for that is to tell the version, too; to a storage it is a load like any other. */
export const LOAD_VERSION = 64
/** What can be asked for. */
export type Asks = Opcode | typeof LOAD_VERSION

/** One call of the public surface that waits for its outcome. */
export interface Caller {
  /** What was asked for; the operation that it rides on may be another. */
  readonly asks: Asks
  /** The call's moment, in ticks. */
  readonly acceptedAt: number
  /** Settles the caller's promise: with what the opcode promises, or with a promise that is rejected. */
  readonly resolve: (outcome: unknown) => void
  /** A reader that rides on a write: the slot whose payload it is to see, and when that expires. */
  readonly sees: { readonly offset: number; readonly expiry: number } | undefined
  /** The next caller of the same operation. */
  next: Caller | undefined
}

/** A call, and what it takes to give it a place in a batch. Lives no longer than that takes. */
export interface Demand extends SlotContent {
  readonly asks: Asks
  readonly acceptedAt: number
  readonly resolve: (outcome: unknown) => void
}

/** Rejects a caller's promise. */
export function reject(caller: Caller, reason: unknown): void {
  caller.resolve(Promise.reject(reason))
}
