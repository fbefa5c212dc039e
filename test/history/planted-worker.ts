import { readdirSync, unlinkSync } from 'node:fs'
import { openStorage as openFiles } from '#dist/workers/files/index.js'
import { openStorage as openJournal } from '#dist/workers/files/journal/index.js'
import { journalDirectory } from '#dist/workers/files/journal/options.js'
import { Layout } from '#dist/workers/files/layout.js'
import {
  type FoundRecord,
  type JournalGauge,
  type LoadedRecord,
  Opcode,
  type PayloadPlace,
  payloadAt,
  ReplyReader,
  ReplyWriter,
  RequestReader,
  Status,
  type Walk,
  type WalkKind,
  type WorkerStorage,
} from '#dist/workers/protocol/index.js'
import { behind } from '../fixtures/behind-front.js'
import type { Bug, BuggyOptions } from './planted-bugs.js'
import { compareAndRename, lookAndRename, rewriteWithExpiry, unlinkOnly } from './wrong-steps.js'

/*
 * The worker half of the files storage with a bug: some slots of a batch are done wrong, the real storage does the others.
 */

/** So often an old copy is shown instead of what is stored. */
const SHOWN_AGAIN = 3
/** Of a slot's opcode, from where it begins. */
const OPCODE = 4

type Shown = FoundRecord & PayloadPlace

class BuggyStorage implements WorkerStorage {
  readonly #bug: Bug
  readonly #real: WorkerStorage
  readonly #layout: Layout
  readonly #copies = new Map<string, { readonly record: Shown; shown: number }>()
  #late: ArrayBuffer | undefined

  constructor({ bug, files }: BuggyOptions, real: WorkerStorage) {
    this.#bug = bug
    this.#real = real
    this.#layout = new Layout(files)
  }

  async apply(wire: ArrayBuffer): Promise<ArrayBuffer | null> {
    // What is done wrong writes over its slots.
    const request = new RequestReader(wire.slice(0))
    const rest = Buffer.from(wire)
    const late = wire.slice(0)
    const outcomes = new Map<number, Status>()
    const loads = new Map<number, string>()
    while (request.next()) {
      const { index, opcode, offset } = request
      if (opcode === Opcode.LOAD) loads.set(index, request.key())
      const isLate = this.#bug === 'acknowledged before it is in place' && opcode === Opcode.SAVE
      const outcome = isLate ? Status.DONE : this.#doWrong(request)
      if (!isLate) Buffer.from(late)[offset + OPCODE] = Opcode.VOID
      if (outcome === undefined) continue
      outcomes.set(index, outcome)
      rest[offset + OPCODE] = Opcode.VOID
    }
    const reply = await this.#real.apply(wire)
    if (this.#late !== undefined) await this.#real.apply(this.#late)
    this.#late = this.#bug === 'acknowledged before it is in place' ? late : undefined
    return this.#changed(reply, request.slots, outcomes, loads)
  }

  walk(kind: WalkKind): Walk {
    return this.#real.walk(kind)
  }

  close(): void | Promise<void> {
    return this.#real.close()
  }

  /** `undefined` where the real storage is to do it. */
  #doWrong(request: RequestReader): Status | undefined {
    const { opcode } = request
    const place = this.#layout.place(request.key(), request.hash)
    switch (this.#bug) {
      case 'update takes its time':
        return opcode === Opcode.UPDATE ? lookAndRename(this.#layout, place, request, opcode) : undefined
      case 'delete leaves no tombstone':
        if (opcode === Opcode.DELETE) return unlinkOnly(place)
        return opcode === Opcode.UPDATE ? lookAndRename(this.#layout, place, request, opcode) : undefined
      case 'create looks, then renames':
        return opcode === Opcode.CREATE ? lookAndRename(this.#layout, place, request, opcode) : undefined
      case 'replace does not compare':
        return opcode === Opcode.REPLACE ? lookAndRename(this.#layout, place, request, opcode) : undefined
      case 'replace takes no claim':
        return opcode === Opcode.REPLACE ? compareAndRename(this.#layout, place, request) : undefined
      case 'touch puts back what it has read':
        return opcode === Opcode.TOUCH ? rewriteWithExpiry(this.#layout, place, request) : undefined
      case 'journal is not asked':
        return opcode === Opcode.LOAD ? Status.IN_FILE : undefined
      default:
        return undefined
    }
  }

  #changed(
    reply: ArrayBuffer | null,
    slots: number,
    outcomes: ReadonlyMap<number, Status>,
    loads: ReadonlyMap<number, string>,
  ): ArrayBuffer | null {
    const writer = new ReplyWriter(slots)
    if (reply !== null) {
      const reader = new ReplyReader(reply)
      for (let slot = 0; slot < slots; slot++) {
        writer.status(slot, reader.status(slot))
        const real = reader.record(slot)
        if (real === undefined) continue
        const { expiry, codec, writeId, ...place } = this.#shown(loads.get(slot) ?? '', real)
        writer.record({ slot, expiry, codec, writeId }, payloadAt(place))
      }
      for (const failure of reader.report().failures) writer.fail(failure)
      for (const notice of reader.report().corrupt) writer.corrupt(notice)
    }
    for (const [slot, status] of outcomes) writer.status(slot, status)
    return writer.finish('gauge' in this.#real ? (this.#real.gauge as JournalGauge) : undefined)
  }

  #shown(key: string, real: LoadedRecord): Shown {
    if (this.#bug !== 'load answers from an old copy') return real
    const copy = this.#copies.get(key)
    if (copy !== undefined && copy.shown++ < SHOWN_AGAIN) return copy.record
    const { expiry, codec, writeId } = real
    const memory = Buffer.from(payloadAt(real))
    this.#copies.set(key, {
      record: { expiry, codec, writeId, memory, start: 0, end: memory.length },
      shown: 0,
    })
    return real
  }
}

/** Opens the real storage behind the bug. */
export function openStorage(options: BuggyOptions): WorkerStorage {
  const { bug, files, journal } = options
  if (journal === undefined) return new BuggyStorage(options, openFiles(files))
  if (bug === 'journal ends too early') forgetLastSegment(journalDirectory(files.directory))
  const real = openJournal(journal)
  return behind(new BuggyStorage(options, real), real)
}

function forgetLastSegment(directory: string): void {
  const segments = readdirSync(directory).filter((name) => name.endsWith('.log'))
  const last = segments.sort().at(-1)
  if (last !== undefined) unlinkSync(`${directory}/${last}`)
}
