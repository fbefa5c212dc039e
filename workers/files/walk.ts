import { type Dir, opendirSync } from 'node:fs'
import type { CorruptNotice, SliceLength, Walk, WalkKind, WalkSlice } from '../protocol/index.js'
import { hasCode } from '../protocol/index.js'
import type { Layout } from './layout.js'
import { emptyTally, type Tally } from './tally.js'
import type { EntryVisit } from './visit.js'

/** Entries looked at in one slice: a few milliseconds of work. Another 0.1 ms and more is lost between two slices. */
const SLICE_ENTRIES: Readonly<Record<SliceLength, number>> = { short: 512, long: 2048 }
/** A slice ends sooner where files take longer: other walks wait for it, and so does whoever gives this one up. */
const SLICE_MILLISECONDS = 8
/** Entries between two looks at the clock. */
const CLOCK_ENTRIES = 64
/** Sessions sealed anew in one slice: each waits for the disk. */
const SLICE_RESEALS = 64

const UNEXAMINED: CorruptNotice = { reason: 'could not be examined', keptAs: undefined }

/**
 * Streams the directories of a layout, a slice at a time: never a whole directory in memory, and never longer in
 * one piece than a slice.
 */
export class DirectoryWalk implements Walk {
  readonly #layout: Layout
  readonly #kind: WalkKind
  readonly #visit: EntryVisit
  readonly #directories: Iterator<string>
  #unreadable: unknown
  #open: OpenDirectory | undefined

  constructor(layout: Layout, kind: WalkKind, visit: EntryVisit) {
    this.#layout = layout
    this.#kind = kind
    this.#visit = visit
    this.#directories = layout.directories[Symbol.iterator]()
  }

  next(length: SliceLength = 'short'): WalkSlice {
    const tally = emptyTally()
    const entries = SLICE_ENTRIES[length]
    const latest = performance.now() + SLICE_MILLISECONDS
    try {
      while (tally.scanned < entries && tally.resealed < SLICE_RESEALS) {
        this.#open ??= this.#openNext()
        if (this.#open === undefined) return this.#lastSlice(tally)
        this.#readOne(this.#open, tally)
        if (tally.scanned % CLOCK_ENTRIES === 0 && performance.now() >= latest) break
      }
      return { ...tally, done: false }
    } catch (error) {
      this.end()
      throw error
    }
  }

  end(): void {
    const open = this.#open
    // Closed or not: there is nothing more to be had from it.
    this.#open = undefined
    open?.handle.closeSync()
  }

  /** What was met last is told before the directory that could not be read. */
  #lastSlice(tally: Tally): WalkSlice {
    if (this.#unreadable === undefined) return { ...tally, done: true }
    if (tally.scanned > 0) return { ...tally, done: false }
    throw this.#unreadable
  }

  #readOne({ directory, handle }: OpenDirectory, tally: Tally): void {
    const entry = handle.readSync()
    if (entry === null) return this.end()
    tally.scanned++
    try {
      this.#visit(this.#layout, directory, entry.name, tally)
    } catch (error) {
      // Gone or taken since it was listed: somebody else's business. One bad file must not stop the walk.
      if (hasCode(error, 'ENOENT')) return
      // A sweep has told of it; a list, a count or a clearing that leaves something out has to fail, when it is through.
      if (this.#kind === 'sweep') tally.corrupt.push(UNEXAMINED)
      else if (this.#kind === 'reseal') tally.refused.push(UNEXAMINED)
      else this.#unreadable ??= error
    }
  }

  /** Opens the next directory that exists. One that cannot be read fails the walk, but only when all others are done. */
  #openNext(): OpenDirectory | undefined {
    for (let next = this.#directories.next(); next.done !== true; next = this.#directories.next()) {
      const directory = next.value
      try {
        return { directory, handle: opendirSync(directory, { bufferSize: 256 }) }
      } catch (error) {
        if (!this.#layout.sharded || !hasCode(error, 'ENOENT')) this.#unreadable ??= error
      }
    }
    return undefined
  }
}

/** A directory that is being read. */
interface OpenDirectory {
  readonly directory: string
  readonly handle: Dir
}
