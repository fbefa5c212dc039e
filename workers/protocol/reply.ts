import { Status } from './opcodes.js'
import type { PayloadPlace } from './payload-place.js'
import type { JournalGauge } from './request.js'

/*
 * A storage's answer to a batch: `null` when every slot is done and none brings bytes back (the usual case,
 * and the cheapest message there is), else one ArrayBuffer, little-endian:
 *
 *   0  u32 slots   4  u32 records   8  u32 report offset   12  u32 report bytes
 *  16  u32 KiB of memory that a journal takes up, 20 u32 KiB on disk, 24 u32 µs of its last append, 28 u32 0
 *  32  u8 status per slot, padded to eight
 *   then per loaded record: u32 slot, u32 payload bytes, f64 expiry, u32 codec, u32 write id low, high, u32 0,
 *   payload, padded to eight
 *   then the report as JSON, when there is anything to report: the rare part, so the readable one.
 */

const HEADER = 32
const RECORD_HEADER = 32

/** A system call that failed, freed of every path: paths hold session keys. */
export interface Failure {
  readonly slot: number
  readonly code: string
  readonly syscall: string
  readonly message: string
}

/** Something found in a session's place that is not a session. */
export interface CorruptNotice {
  readonly reason: string
  /**
   * The file name under which it was kept, without the directory; `undefined` where it was left in place. Holds no readable
   * key.
   */
  readonly keptAs: string | undefined
}

/** The rare part of a reply. */
export interface Report {
  readonly failures: Failure[]
  readonly corrupt: CorruptNotice[]
}

/** What is known of a record that was found, beside its payload. */
export interface FoundRecord {
  /** Milliseconds since the epoch. */
  readonly expiry: number
  readonly codec: number
  readonly writeId: readonly [low: number, high: number]
}

/** Collects the outcome of a batch in the worker. */
export class ReplyWriter {
  readonly #slots: number
  readonly #statuses: Uint8Array
  readonly #records: { record: FoundRecord & { readonly slot: number }; payload: Uint8Array }[] = []
  readonly #report: Report = { failures: [], corrupt: [] }
  #plain = true
  #recordBytes = 0

  constructor(slots: number) {
    this.#slots = slots
    this.#statuses = new Uint8Array(slots)
  }

  /** Sets a slot's status; slots start as `DONE`. */
  status(slot: number, status: Status): void {
    this.#statuses[slot] = status
    if (status !== Status.DONE) this.#plain = false
  }

  /** Whether a slot is done, as far as has been told of it. */
  isDone(slot: number): boolean {
    return this.#statuses[slot] === Status.DONE
  }

  /** What has failed, and what was told, so far. */
  get report(): Report {
    return this.#report
  }

  /** Rejects one slot. */
  fail(failure: Failure): void {
    this.status(failure.slot, Status.FAILED)
    this.#report.failures.push(failure)
  }

  /** Tells the engine of a file that was no session. */
  corrupt(notice: CorruptNotice): void {
    this.#plain = false
    this.#report.corrupt.push(notice)
  }

  /** Adds a loaded record; the payload is copied when the reply is made. */
  record(record: FoundRecord & { readonly slot: number }, payload: Uint8Array): void {
    this.#plain = false
    this.#records.push({ record, payload })
    this.#recordBytes += RECORD_HEADER + align(payload.length)
  }

  /** The finished reply; a journal tells how much it holds. */
  finish(gauge?: JournalGauge): ArrayBuffer | null {
    if (this.#plain) return null
    const { failures, corrupt } = this.#report
    const report =
      failures.length + corrupt.length > 0 ? Buffer.from(JSON.stringify(this.#report)) : Buffer.alloc(0)
    const recordsAt = HEADER + align(this.#slots)
    const reportAt = recordsAt + this.#recordBytes
    const reply = new ArrayBuffer(align(reportAt + report.length))
    const bytes = Buffer.from(reply)
    const view = new DataView(reply)
    view.setUint32(0, this.#slots, true)
    view.setUint32(4, this.#records.length, true)
    view.setUint32(8, reportAt, true)
    view.setUint32(12, report.length, true)
    view.setUint32(16, gauge?.memory ?? 0, true)
    view.setUint32(20, gauge?.disk ?? 0, true)
    view.setUint32(24, gauge?.append ?? 0, true)
    bytes.set(this.#statuses, HEADER)
    let offset = recordsAt
    for (const { record, payload } of this.#records) {
      view.setUint32(offset, record.slot, true)
      view.setUint32(offset + 4, payload.length, true)
      view.setFloat64(offset + 8, record.expiry, true)
      view.setUint32(offset + 16, record.codec, true)
      view.setUint32(offset + 20, record.writeId[0], true)
      view.setUint32(offset + 24, record.writeId[1], true)
      bytes.set(payload, offset + RECORD_HEADER)
      offset += RECORD_HEADER + align(payload.length)
    }
    bytes.set(report, reportAt)
    return reply
  }
}

/** What an answer tells of the journal's size, whatever kind of answer it is. */
export function gaugeOf(answer: ArrayBuffer): JournalGauge {
  // No answer is shorter than this.
  const words = new Uint32Array(answer, 0, HEADER / 4)
  const at = words[0] === 0 ? 1 : 4
  return { memory: words[at] as number, disk: words[at + 1] as number, append: words[at + 2] as number }
}

/** What a load brings back. Its bytes stay in the reply, and are looked at when somebody asks. */
export class LoadedRecord implements FoundRecord, PayloadPlace {
  readonly memory: Uint8Array
  readonly start: number
  readonly end: number
  readonly #view: DataView

  /** @param view Of the reply, as `memory` is. */
  constructor(memory: Uint8Array, view: DataView, at: number) {
    this.memory = memory
    this.#view = view
    this.start = at + RECORD_HEADER
    this.end = this.start + view.getUint32(at + 4, true)
  }

  get expiry(): number {
    return this.#view.getFloat64(this.start - RECORD_HEADER + 8, true)
  }

  get codec(): number {
    return this.#view.getUint32(this.start - RECORD_HEADER + 16, true)
  }

  get writeId(): readonly [low: number, high: number] {
    const at = this.start - RECORD_HEADER
    return [this.#view.getUint32(at + 20, true), this.#view.getUint32(at + 24, true)]
  }
}

/** Reads a reply on the main thread. */
export class ReplyReader {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #slots: number
  /** Where each slot's record begins; 0 where there is none. */
  readonly #places: Uint32Array | undefined

  constructor(reply: ArrayBuffer) {
    this.#bytes = Buffer.from(reply)
    this.#view = new DataView(reply)
    this.#slots = this.#view.getUint32(0, true)
    const records = this.#view.getUint32(4, true)
    this.#places = records === 0 ? undefined : this.#placesOf(records)
  }

  /** The status of a slot. */
  status(slot: number): Status {
    return slot < this.#slots ? (this.#bytes[HEADER + slot] as Status) : Status.FAILED
  }

  /** What a slot has loaded. */
  record(slot: number): LoadedRecord | undefined {
    const at = this.#places?.[slot] ?? 0
    return at === 0 ? undefined : new LoadedRecord(this.#bytes, this.#view, at)
  }

  /** Failures and corrupt files, if there were any. */
  report(): Report {
    const length = this.#view.getUint32(12, true)
    if (length === 0) return { failures: [], corrupt: [] }
    const start = this.#view.getUint32(8, true)
    return JSON.parse(this.#bytes.toString('utf8', start, start + length)) as Report
  }

  #placesOf(records: number): Uint32Array {
    const places = new Uint32Array(this.#slots)
    let at = HEADER + align(this.#slots)
    for (let index = 0; index < records; index++) {
      places[this.#view.getUint32(at, true)] = at
      at += RECORD_HEADER + align(this.#view.getUint32(at + 4, true))
    }
    return places
  }
}

function align(length: number): number {
  return (length + 7) & ~7
}
