import {
  BATCH_HEADER,
  type CheckpointSlice,
  type Failure,
  ReplyReader,
  SLICES,
  Status,
  type StoredSlice,
} from '../../protocol/index.js'
import type { NewestVersions } from './newest.js'

/** Sessions in one slice: a few milliseconds of a disk's time, so that loads need not wait for long. */
const MOST_ENTRIES = 64
/** Bytes of a slice, unless a single session is larger. */
const MOST_BYTES = 256 * 1024
/** Failures that are told of one checkpoint. */
const MOST_FAILURES = 8

interface UnderWay {
  /** The slices of the key space, that is the directories, that it belongs to. */
  readonly keySlices: ReadonlySet<number>
  readonly entries: readonly TakenEntry[]
}

interface TakenEntry {
  readonly entry: number
  /** The frame that brought the version which is being written. */
  readonly changed: number
}

/**
 * Writes out what the journal held when it began: each session once, in its newest version, directory by directory. What
 * changes meanwhile is written as it is when its turn comes, or stays for the next checkpoint.
 *
 * A directory belongs to one slice at a time: two writers in one would wait for each other. A slice may cover several.
 */
export class Checkpoint {
  readonly #newest: NewestVersions
  readonly #through: number
  readonly #oneDirectory: boolean
  readonly #remaining = new Set<number>()
  readonly #underWay = new Map<number, UnderWay>()
  readonly #failures: Failure[] = []
  #failed = false
  #nextId: number

  /**
   * @param through The last frame that it has to cover.
   * @param firstId Greater than that of any slice of an earlier checkpoint.
   */
  constructor(
    newest: NewestVersions,
    { through, oneDirectory, firstId }: { through: number; oneDirectory: boolean; firstId: number },
  ) {
    this.#newest = newest
    this.#through = through
    this.#oneDirectory = oneDirectory
    this.#nextId = firstId
    for (let keySlice = 0; keySlice < SLICES; keySlice++) this.#remaining.add(keySlice)
  }

  /** The next slice; `undefined` when there is nothing left but what is under way. */
  next(): CheckpointSlice | undefined {
    if (this.#oneDirectory && this.#underWay.size > 0) return undefined
    const entries: number[] = []
    const keySlices = new Set<number>()
    let room = MOST_BYTES
    for (const keySlice of this.#remaining) {
      if (this.#isBusy(keySlice)) continue
      let entry = this.#newest.oldest(keySlice)
      // Whatever was there when the checkpoint began stands in front of what has come since.
      while (entry !== -1 && this.#newest.isDirtySince(entry, this.#through)) {
        room -= this.#newest.length(entry)
        if (entries.length === MOST_ENTRIES || (entries.length > 0 && room < 0))
          return this.#depart(entries, keySlices)
        entries.push(entry)
        keySlices.add(keySlice)
        entry = this.#newest.later(entry)
      }
      this.#remaining.delete(keySlice)
    }
    return entries.length === 0 ? undefined : this.#depart(entries, keySlices)
  }

  /** A slice has come back. */
  stored({ id, reply }: StoredSlice): void {
    const slice = this.#underWay.get(id)
    // Of a journal worker that died: this one has read everything anew.
    if (slice === undefined) return
    this.#underWay.delete(id)
    const reader = reply === null || reply === 'lost' ? undefined : new ReplyReader(reply)
    let failed = reply === 'lost'
    for (const [index, { entry, changed }] of slice.entries.entries()) {
      if (reply === 'lost' || reader?.status(index) === Status.FAILED) {
        failed = true
        this.#newest.giveBack(entry)
      } else this.#newest.arrive(entry, changed)
    }
    if (!failed) return
    // Its directories are left for the next checkpoint, or this one would never end.
    this.#failed = true
    for (const keySlice of slice.keySlices) this.#remaining.delete(keySlice)
    const failures = reader?.report().failures ?? [WORKER_LOST]
    this.#failures.push(...failures.slice(0, MOST_FAILURES - this.#failures.length))
  }

  /** What is under way counts for nothing any more. */
  abandon(): void {
    for (const { entries } of this.#underWay.values())
      for (const { entry } of entries) this.#newest.giveBack(entry)
    this.#underWay.clear()
  }

  /** Whether everything is in files. */
  get complete(): boolean {
    return !this.#failed && this.#remaining.size === 0 && this.#underWay.size === 0
  }

  /** Why not. */
  get failures(): readonly Failure[] {
    return this.#failures
  }

  /** Greater than the id of any slice of this one. */
  get nextId(): number {
    return this.#nextId
  }

  #isBusy(keySlice: number): boolean {
    for (const slice of this.#underWay.values()) if (slice.keySlices.has(keySlice)) return true
    return false
  }

  #depart(entries: readonly number[], keySlices: ReadonlySet<number>): CheckpointSlice {
    const newest = this.#newest
    const length = entries.reduce((sum, entry) => sum + newest.length(entry), BATCH_HEADER)
    const wire = new ArrayBuffer(length)
    const bytes = new Uint8Array(wire)
    new Uint32Array(wire, 0, 1)[0] = entries.length
    let offset = BATCH_HEADER
    for (const entry of entries) {
      newest.copyTo(entry, bytes, offset)
      offset += newest.length(entry)
      newest.take(entry)
    }
    const id = this.#nextId++
    const taken = entries.map((entry) => ({ entry, changed: newest.changed(entry) }))
    this.#underWay.set(id, { keySlices, entries: taken })
    return { id, wire }
  }
}

const WORKER_LOST: Failure = {
  slot: 0,
  code: 'WORKER_LOST',
  syscall: 'none',
  message: 'a worker thread died while it wrote sessions to their files',
}
