import { type LoadedRecord, Opcode, type PayloadPlace, Status } from '../../workers/protocol/index.js'
import { ConflictError, CreateError, UpdateError } from '../errors.js'
import { asAsked } from './asked-session.js'
import type { Batch, Operation } from './batch.js'
import { type Caller, LOAD_VERSION, LOAD_WITH_EXPIRY, opcodeFor, reject } from './caller.js'

/** What became of one operation. */
export interface Outcome {
  readonly status: Status
  /** What a load found. */
  readonly record: LoadedRecord | undefined
  /** Why it failed. */
  readonly failure: Error | undefined
}

/** What settling needs from its surroundings. */
export interface SettleContext {
  /** Turns stored bytes into a session; `undefined` when they cannot be, which it reports. */
  decode(
    key: string,
    payload: PayloadPlace,
    codec: number,
    writeId: LoadedRecord['writeId'] | undefined,
  ): unknown
  /** The codec of what is waiting to be written. */
  readonly codec: number
  /** Lets a reader, whose write did not happen, read for itself. */
  reissue(operation: Operation, caller: Caller): void
  /** Is told of each caller that was settled, and when, in ticks. */
  settled(caller: Caller, failed: boolean, now: number): void
}

/** Gives every caller of an operation its own outcome: exactly once, each a session object of its own. */
export function settle(
  operation: Operation,
  batch: Batch,
  outcome: Outcome,
  context: SettleContext,
  now: number,
): void {
  for (let caller: Caller | undefined = operation; caller !== undefined; caller = caller.next) {
    if (isReader(caller) && mustReadForItself(operation, outcome)) {
      context.reissue(operation, caller)
      continue
    }
    context.settled(caller, outcome.failure !== undefined, now)
    const refusal = outcome.status === Status.DONE ? undefined : refusalOf(caller, outcome)
    if (refusal !== undefined) reject(caller, refusal)
    else caller.resolve(resultOf(operation, batch, caller, outcome, context))
  }
}

/** Why a caller did not get what he asked for; `undefined` where that is a result. */
function refusalOf({ asks }: Caller, { status, failure }: Outcome): Error | undefined {
  switch (status) {
    case Status.ABSENT:
      return asks === Opcode.UPDATE || asks === Opcode.REPLACE ? new UpdateError() : undefined
    case Status.CONFLICT:
      return new CreateError()
    case Status.SUPERSEDED:
      return new ConflictError()
    default:
      return failure
  }
}

function isReader(caller: Caller): boolean {
  const opcode = opcodeFor(caller.asks)
  return opcode === Opcode.LOAD || opcode === Opcode.EXISTS
}

/** Readers that rode on a write see what it stored; when it stored nothing, they have to look. */
function mustReadForItself(operation: Operation, outcome: Outcome): boolean {
  if (operation.opcode === Opcode.LOAD || operation.opcode === Opcode.EXISTS) return false
  const { status } = outcome
  return status === Status.FAILED || status === Status.CONFLICT || status === Status.SUPERSEDED
}

function resultOf(
  operation: Operation,
  batch: Batch,
  caller: Caller,
  outcome: Outcome,
  context: SettleContext,
): unknown {
  switch (caller.asks) {
    case Opcode.TOUCH:
      return outcome.status === Status.DONE
    case Opcode.EXISTS:
      return isFound(operation, caller, outcome)
    case Opcode.LOAD:
    case LOAD_VERSION:
    case LOAD_WITH_EXPIRY: {
      const found = foundBy(operation, batch, caller, outcome, context)
      if (found === undefined) return undefined
      const { codec, writeId } = found
      return asAsked(caller.asks, found, (payload) => context.decode(operation.key, payload, codec, writeId))
    }
    default:
      return undefined
  }
}

/** A record, or as much of one as a write has that is just being stored. */
interface Found extends PayloadPlace {
  readonly expiry: number
  readonly codec: number
  readonly writeId: LoadedRecord['writeId'] | undefined
}

/** What a load found: in the storage, or in the bytes of the write that it rode on. */
function foundBy(
  operation: Operation,
  batch: Batch,
  caller: Caller,
  outcome: Outcome,
  { codec }: SettleContext,
): Found | undefined {
  if (outcome.record !== undefined) return outcome.record
  const { sees } = caller
  if (sees === undefined || !isFound(operation, caller, outcome)) return undefined
  const memory = batch.writer.payload(sees.offset)
  return { memory, start: 0, end: memory.length, codec, expiry: sees.expiry, writeId: undefined }
}

function isFound(operation: Operation, caller: Caller, outcome: Outcome): boolean {
  if (outcome.status !== Status.DONE || operation.opcode === Opcode.DELETE) return false
  return caller.sees === undefined || isReading(operation) || caller.sees.expiry > Date.now()
}

function isReading(operation: Operation): boolean {
  return operation.opcode === Opcode.LOAD || operation.opcode === Opcode.EXISTS
}
