import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openStorage } from '#dist/workers/files/index.js'
import { Layout, type Place } from '#dist/workers/files/layout.js'
import type { FilesWorkerOptions } from '#dist/workers/files/options.js'
import type { RecordFormat } from '#dist/workers/files/record-format.js'
import {
  type CorruptNotice,
  type Failure,
  keyHash,
  Opcode,
  payloadAt,
  payloadDigest,
  ReplyReader,
  RequestWriter,
  type SliceLength,
  Status,
  type WalkKind,
  type WalkSlice,
  type WorkerStorage,
} from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'

/** One operation to be applied. */
export interface Step {
  readonly opcode: Opcode
  readonly key: string
  readonly text?: string
  /** Milliseconds since the epoch; by default in an hour. */
  readonly expiry?: number
  readonly codec?: number
  readonly writeId?: readonly [low: number, high: number]
  /** The text that a replace is to replace. */
  readonly was?: string
}

/** What became of it. */
export interface StepOutcome {
  readonly status: Status
  readonly text: string | undefined
  readonly expiry: number | undefined
  readonly codec: number | undefined
  readonly writeId: readonly [low: number, high: number] | undefined
  readonly failure: Failure | undefined
}

/** A batch's outcome. */
export interface BatchOutcome {
  readonly outcomes: readonly StepOutcome[]
  readonly corrupt: readonly CorruptNotice[]
}

export const HOUR = 3_600_000

/** The storage's options with everything filled in that a test does not care for. */
export function workerOptions(options: Partial<FilesWorkerOptions> = {}): FilesWorkerOptions {
  return {
    directory: options.directory ?? temporaryDirectory('memory'),
    layout: 'sharded',
    prefix: '',
    fsync: false,
    hashNames: false,
    maxRecordBytes: 2 ** 20,
    orphanGrace: HOUR,
    exclusive: false,
    ...options,
  }
}

/** Drives the files storage in this very thread, batch by batch, as the engine does it from another. */
export class StorageDriver {
  readonly options: FilesWorkerOptions
  readonly storage: WorkerStorage
  readonly layout: Layout
  /** What was told of files that are no sessions. */
  readonly notices: CorruptNotice[] = []

  /** @param format Of its records; Coatcheck's own when absent. */
  constructor(options: Partial<FilesWorkerOptions> = {}, format?: RecordFormat) {
    this.options = workerOptions(options)
    this.storage = openStorage(this.options, format)
    this.layout = new Layout(this.options, format)
  }

  place(key: string): Place {
    return this.layout.place(key, keyHash(key))
  }

  apply(steps: readonly Step[], attempt = 0, nonce: readonly [number, number] = randomNonce()): BatchOutcome {
    return this.applyTo(this.storage, steps, attempt, nonce)
  }

  protected applyTo(
    storage: WorkerStorage,
    steps: readonly Step[],
    attempt = 0,
    nonce: readonly [number, number] = randomNonce(),
  ): BatchOutcome {
    const writer = new RequestWriter(1024)
    for (const { opcode, key, text, expiry = Date.now() + HOUR, codec = 7, writeId, was } of steps) {
      const payload = text === undefined ? undefined : Buffer.from(text)
      const expected = was === undefined ? undefined : payloadDigest(Buffer.from(was))
      const content = { opcode, key, hash: keyHash(key), expiry, codec, payload, expected }
      writer.append(writeId === undefined ? content : { ...content, writeId })
    }
    const reply = storage.apply(writer.toWire(attempt, nonce)) as ArrayBuffer | null
    const outcome = read(reply, steps.length)
    this.notices.push(...outcome.corrupt)
    return outcome
  }

  one(step: Step): StepOutcome & { readonly corrupt: readonly CorruptNotice[] } {
    const { outcomes, corrupt } = this.apply([step])
    return { ...(outcomes[0] as StepOutcome), corrupt }
  }

  create(key: string, text: string, expiry?: number): Status {
    return this.#status(Opcode.CREATE, key, text, expiry)
  }

  update(key: string, text: string, expiry?: number): Status {
    return this.#status(Opcode.UPDATE, key, text, expiry)
  }

  save(key: string, text: string, expiry?: number): Status {
    return this.#status(Opcode.SAVE, key, text, expiry)
  }

  /** Stores `text` where `was` is stored. */
  replace(key: string, text: string, was: string, expiry = Date.now() + HOUR): Status {
    return this.one({ opcode: Opcode.REPLACE, key, text, was, expiry }).status
  }

  touch(key: string, expiry: number): Status {
    return this.#status(Opcode.TOUCH, key, undefined, expiry)
  }

  exists(key: string): boolean {
    return this.#status(Opcode.EXISTS, key) === Status.DONE
  }

  delete(key: string): Status {
    return this.#status(Opcode.DELETE, key)
  }

  /** The text stored under a key. */
  load(key: string): string | undefined {
    return this.one({ opcode: Opcode.LOAD, key }).text
  }

  /** All slices of a walk. */
  slices(kind: WalkKind, length?: SliceLength): WalkSlice[] {
    const walk = this.storage.walk(kind)
    const slices: WalkSlice[] = []
    for (;;) {
      const slice = walk.next(length) as WalkSlice
      slices.push(slice)
      this.notices.push(...slice.corrupt, ...slice.refused)
      if (slice.done) return slices
    }
  }

  /** A walk's slices summed up. */
  walk(kind: WalkKind): Omit<WalkSlice, 'done'> {
    const sum = {
      keys: [] as string[],
      scanned: 0,
      live: 0,
      expired: 0,
      orphans: 0,
      resealed: 0,
      corrupt: [] as CorruptNotice[],
      refused: [] as CorruptNotice[],
    }
    for (const slice of this.slices(kind)) {
      sum.keys.push(...slice.keys)
      sum.scanned += slice.scanned
      sum.live += slice.live
      sum.expired += slice.expired
      sum.orphans += slice.orphans
      sum.resealed += slice.resealed
      sum.corrupt.push(...slice.corrupt)
      sum.refused.push(...slice.refused)
    }
    return sum
  }

  #status(opcode: Opcode, key: string, text?: string, expiry?: number): Status {
    const step = { opcode, key }
    return this.one({
      ...step,
      ...(text === undefined ? {} : { text }),
      ...(expiry === undefined ? {} : { expiry }),
    }).status
  }
}

/** Every file below a directory, as paths relative to it, sorted. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}

export function randomNonce(): readonly [number, number] {
  const bytes = randomBytes(8)
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
}

function read(reply: ArrayBuffer | null, slots: number): BatchOutcome {
  if (reply === null) return { outcomes: Array.from({ length: slots }, () => DONE), corrupt: [] }
  const reader = new ReplyReader(reply)
  const { failures, corrupt } = reader.report()
  const outcomes = Array.from({ length: slots }, (_, slot): StepOutcome => {
    const record = reader.record(slot)
    return {
      status: reader.status(slot),
      text: record === undefined ? undefined : Buffer.from(payloadAt(record)).toString(),
      expiry: record?.expiry,
      codec: record?.codec,
      writeId: record?.writeId,
      failure: failures.find((failure) => failure.slot === slot),
    }
  })
  return { outcomes, corrupt }
}

const DONE: StepOutcome = {
  status: Status.DONE,
  text: undefined,
  expiry: undefined,
  codec: undefined,
  writeId: undefined,
  failure: undefined,
}
