import type { Opcode, SlotContent } from '../../workers/protocol/index.js'

/** One call of the public surface that waits for its outcome. */
export interface Caller {
  /** What was asked for; the operation that it rides on may be another. */
  readonly asks: Opcode
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
  readonly asks: Opcode
  readonly acceptedAt: number
  readonly resolve: (outcome: unknown) => void
}

/** Rejects a caller's promise. */
export function reject(caller: Caller, reason: unknown): void {
  caller.resolve(Promise.reject(reason))
}
