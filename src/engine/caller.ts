import { Opcode, type SlotContent } from '../../workers/protocol/index.js'

/** A load that tells the version, too. To storages it is a load like any other. */
export const LOAD_VERSION = 64
/** The same for the expiry. */
export const LOAD_WITH_EXPIRY = 65

/** What a caller may ask for. */
export type Asked = Opcode | typeof LOAD_VERSION | typeof LOAD_WITH_EXPIRY

/** The operation that answers what is asked for. */
export function opcodeFor(asked: Asked): Opcode {
  return asked === LOAD_VERSION || asked === LOAD_WITH_EXPIRY ? Opcode.LOAD : asked
}

/** One call of the public surface that waits for its outcome. */
export interface Caller {
  /** What was asked for; the operation that it rides on may be another. */
  readonly asks: Asked
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
  readonly asks: Asked
  readonly acceptedAt: number
  readonly resolve: (outcome: unknown) => void
}

/** Rejects a caller's promise. */
export function reject(caller: Caller, reason: unknown): void {
  caller.resolve(Promise.reject(reason))
}
