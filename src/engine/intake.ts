import {
  type CorruptNotice,
  carriesPayload,
  keyHash,
  Opcode,
  type PayloadPlace,
  Status,
} from '../../workers/protocol/index.js'
import type { CodecRecordFormat } from '../codecs/codec.js'
import type { BatchCarrier } from './batch-carrier.js'
import { type Asked, type Demand, opcodeFor } from './caller.js'
import { Dispatcher, type DispatcherListener, type DispatchShape } from './dispatcher.js'
import { HotAnswers } from './hot-answers.js'
import type { HotSessions } from './hot-sessions.js'
import { type Expiry, expiryOf } from './options.js'
import type { Payloads } from './payloads.js'
import type { Pending } from './pending.js'
import { checkKey } from './session-keys.js'
import { digestOfVersion, type SessionVersion, versionOf } from './session-versions.js'
import type { Statistics } from './statistics.js'
import { ticks, ticksBetween } from './ticks.js'

/** Options of {@link Intake}. */
export interface IntakeOptions {
  readonly front: BatchCarrier
  readonly files: BatchCarrier
  readonly shape: DispatchShape
  /** Seconds. */
  readonly maxAge: number
  readonly payloads: Payloads
  /** Where the codec brings one along. */
  readonly recordFormat: CodecRecordFormat | undefined
  readonly pending: Pending
  /** Where a journal's worker has sessions in memory. */
  readonly hot: HotSessions | undefined
  readonly statistics: Statistics
  readonly onCorrupt: (notice: CorruptNotice) => void
  /** Throws once the engine is closing. */
  readonly refuseClosed: () => void
}

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] }

/**
 * Every operation's way in and out: checks the call, takes the snapshot, counts what is pending, and gives the
 * dispatcher something to carry. What is wrong with a call rejects, and nothing is kept of it.
 */
export class Intake {
  readonly #options: IntakeOptions
  readonly dispatcher: Dispatcher
  /** Filled anew for each operation: nobody keeps it, and an object for each would be most of what an operation leaves. */
  readonly #demand: Writable<Demand>
  readonly #answers: HotAnswers | undefined
  /** One executor for all promises, for the same reason. */
  readonly #keepResolve = (resolve: (outcome: unknown) => void): void => {
    this.#demand.resolve = resolve
  }

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#demand = {
      asks: Opcode.VOID,
      opcode: Opcode.VOID,
      key: '',
      hash: 0,
      expiry: 0,
      codec: options.payloads.codec,
      payload: undefined,
      expected: undefined,
      acceptedAt: 0,
      resolve: toNobody,
    }
    const { front, files, shape, hot, payloads } = options
    const dispatcher = new Dispatcher({ front, files, shape, listener: this.#listener() })
    this.dispatcher = dispatcher
    if (hot !== undefined) {
      this.#answers = new HotAnswers({
        hot,
        payloads,
        isPending: (key, hash) => dispatcher.isPending(key, hash),
      })
    }
  }

  /** Issues one operation on one key. Whatever `session` refers to may change once this has returned. */
  issue(asked: Asked, key: string, expiry?: Expiry, session?: object): Promise<unknown> {
    try {
      const opcode = opcodeFor(asked)
      this.#checkKey(key)
      const { recordFormat, pending, statistics, maxAge } = this.#options
      const now = Date.now()
      const hash = keyHash(key)
      const answer = this.#answers?.ask(asked, key, hash, now)
      if (answer !== undefined) {
        statistics.accepted++
        statistics.fromMemory++
        return answer
      }
      const writes = carriesPayload(opcode)
      const expiresAt = writes || opcode === Opcode.TOUCH ? expiryOf(expiry, maxAge, now) : 0
      pending.admit(0)
      const payload = writes ? this.#snapshot(session) : undefined
      // A getter in the session may have closed the engine.
      this.#options.refuseClosed()
      const own = payload === undefined ? undefined : recordFormat?.expiryOf(payload, now)
      return this.#accept(asked, opcode, key, hash, own ?? expiresAt, payload, now)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Issues an update that takes place only over this version; resolves with the new one. */
  replace(
    key: string,
    session: object,
    version: SessionVersion,
    expiry: Expiry | undefined,
  ): Promise<SessionVersion> {
    try {
      this.#checkKey(key)
      const { recordFormat, pending, maxAge } = this.#options
      const expected = digestOfVersion(version)
      const now = Date.now()
      const given = expiryOf(expiry, maxAge, now)
      pending.admit(0)
      const payload = this.#snapshot(session)
      this.#options.refuseClosed()
      const expiresAt = recordFormat?.expiryOf(payload, now) ?? given
      const stored = versionOf(payload)
      const { REPLACE } = Opcode
      const hash = keyHash(key)
      return this.#accept(REPLACE, REPLACE, key, hash, expiresAt, payload, now, expected).then(() => stored)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Runs a task on all keys at once; like an operation it has its place in the order, and counts as pending. */
  async alone(task: () => Promise<void>): Promise<void> {
    const { pending, hot } = this.#options
    pending.operations++
    try {
      await this.dispatcher.alone(() => task().finally(() => hot?.forget()))
    } finally {
      pending.operations--
      pending.lowered()
    }
  }

  #checkKey(key: string): void {
    checkKey(key)
    this.#options.recordFormat?.checkKey(key)
  }

  /** A session's bytes. To be asked for when something can be admitted, so that it is not encoded in vain. */
  #snapshot(session: object | undefined): Uint8Array {
    const { payloads, pending } = this.#options
    const payload = payloads.encode(session)
    pending.admit(payload.length)
    return payload
  }

  /** From here on nothing can be wrong with the call, and no code of the caller's runs. */
  #accept(
    asked: Asked,
    opcode: Opcode,
    key: string,
    hash: number,
    expiry: number,
    payload: Uint8Array | undefined,
    now: number,
    expected?: Uint8Array,
  ): Promise<unknown> {
    const { statistics, pending } = this.#options
    const demand = this.#demand
    const promise = new Promise(this.#keepResolve)
    demand.asks = asked
    demand.opcode = opcode
    demand.key = key
    demand.hash = hash
    demand.expiry = expiry
    demand.payload = payload
    demand.expected = expected
    demand.acceptedAt = ticks()
    const freed = this.dispatcher.accept(demand, now)
    statistics.accepted++
    pending.operations++
    pending.bytes += (payload?.length ?? 0) - (freed ?? 0)
    if (freed !== undefined) statistics.coalesced++
    return promise
  }

  #listener(): DispatcherListener {
    const { payloads, pending, hot, statistics, onCorrupt } = this.#options
    return {
      codec: payloads.codec,
      decode: (key, payload, codec, writeId) => this.#decode(key, payload, codec, writeId),
      settled: (caller, failed, now) => {
        pending.operations--
        if (failed) statistics.failed++
        statistics.recordLatency(ticksBetween(caller.acceptedAt, now))
        pending.lowered()
      },
      batchDone: (batch) => {
        statistics.batches++
        statistics.slots += batch.operations.length
      },
      operationDone: (operation, status) => {
        pending.bytes -= operation.bytes
        if (status === Status.DONE) hot?.done(operation)
        else hot?.drop(operation.key, operation.hash)
        if (status === Status.DONE && carriesPayload(operation.opcode)) statistics.written++
      },
      corrupt: (notice) => {
        statistics.corrupt++
        onCorrupt(notice)
      },
    }
  }

  #decode(
    key: string,
    payload: PayloadPlace,
    codec: number,
    writeId: readonly [low: number, high: number] | undefined,
  ): unknown {
    const { payloads, statistics, onCorrupt } = this.#options
    if (!payloads.knows(codec)) {
      // Somebody else's session, or that of a version that has this codec: sound, and not ours to move.
      statistics.corrupt++
      onCorrupt({ reason: `its codec, ${codec}, is not known`, keptAs: undefined })
      return undefined
    }
    try {
      return payloads.decode(payload, codec)
    } catch {
      // The checksum held, so these are the bytes that were saved; they are no session for all that.
      if (writeId !== undefined) this.#setAside(key, writeId)
      return undefined
    }
  }

  /** Nobody waits for it; the notice comes back with the batch. */
  #setAside(key: string, writeId: readonly [low: number, high: number]): void {
    this.#options.pending.operations++
    const demand: Demand = {
      asks: Opcode.SET_ASIDE,
      opcode: Opcode.SET_ASIDE,
      key,
      hash: keyHash(key),
      expiry: 0,
      codec: 0,
      payload: undefined,
      writeId,
      acceptedAt: ticks(),
      resolve: toNobody,
    }
    this.dispatcher.accept(demand, Date.now())
  }
}

/** A rejection, too, is nobody's: a record that could not be set aside stays where it is and is met again. */
function toNobody(outcome: unknown): void {
  Promise.resolve(outcome).catch(() => undefined)
}
