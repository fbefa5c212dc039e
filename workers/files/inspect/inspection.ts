import { opendirSync } from 'node:fs'
import { describeFailure, hasCode, keyHash } from '../../protocol/index.js'
import { isRecordOf } from '../../record/owner.js'
import { SEALED } from '../../record/seal-reasons.js'
import { watchClaim } from '../claim.js'
import { JOURNAL_NAME } from '../journal/options.js'
import { Layout, type Place } from '../layout.js'
import { nativeFormat } from '../native-format.js'
import type { FilesWorkerOptions } from '../options.js'
import type { RecordFormat } from '../record-format.js'
import { detectLayout } from './detect-layout.js'
import type {
  FoundSession,
  InspectedEntry,
  InspectionDepth,
  InspectionOptions,
  InspectionSlice,
  JournalSlice,
} from './entries.js'
import { JournalSnapshot } from './journal-snapshot.js'
import { LARGEST_PAYLOAD, readSessionFile, type SessionFile } from './session-file.js'
import { type Visited, type VisitOptions, visitEntry } from './visit.js'

/** Entries looked at in one slice: a few milliseconds of work. */
const SLICE_ENTRIES = 512
/** Bytes of payloads in one slice, unless a single session is larger. */
const SLICE_BYTES = 2 ** 20

/**
 * Looks through a session directory and changes nothing in it: not its files, not its journal, not whose it is. So it may be
 * used beside any number of engines.
 */
export class Inspection {
  readonly #orphanGrace: number
  readonly #layout: Layout
  readonly #journal: JournalSnapshot
  #walk: Generator<Visited | undefined, void, undefined> | undefined
  #directories = 0

  constructor(options: InspectionOptions, format: RecordFormat = nativeFormat(options)) {
    const { directory, prefix, orphanGrace } = options
    this.#orphanGrace = orphanGrace
    const filesOptions = {
      ...inspectedFiles(options),
      layout: options.layout ?? detectLayout(directory, prefix),
    }
    this.#layout = new Layout(filesOptions, format)
    this.#journal = new JournalSnapshot(directory, options.seal)
  }

  /** The layout that was asked for, or found. */
  get layout(): 'sharded' | 'flat' {
    return this.#layout.sharded ? 'sharded' : 'flat'
  }

  /** Reads the next part of the journal; to be done with before anything else is looked at. */
  readJournal(): JournalSlice {
    return this.#journal.read()
  }

  /**
   * The next slice of everything there is: each session once, in its newest version, and all that is none. After `done` it
   * begins anew.
   */
  walk(depth: InspectionDepth): InspectionSlice {
    try {
      return this.#nextSlice(depth)
    } catch (error) {
      // Else the next call would take a directory that cannot be read for an empty one.
      this.#walk = undefined
      throw error
    }
  }

  #nextSlice(depth: InspectionDepth): InspectionSlice {
    this.#walk ??= this.#everything(depth)
    const entries: InspectedEntry[] = []
    const payloads: Uint8Array[] = []
    let bytes = 0
    let done = false
    for (let looks = 0; looks < SLICE_ENTRIES && bytes < SLICE_BYTES; looks++) {
      const step = this.#walk.next()
      if (step.done === true) {
        done = true
        this.#walk = undefined
        break
      }
      if (step.value === undefined) continue
      const { entry, payload } = step.value
      if (payload === undefined || entry.kind !== 'session') entries.push(entry)
      else {
        entries.push({ ...entry, payloadAt: bytes })
        payloads.push(payload)
        bytes += payload.length
      }
    }
    return {
      done,
      entries,
      payloads: joined(payloads, bytes),
      directories: this.#directories,
      totalDirectories: this.#layout.directories.length,
    }
  }

  /** What stands under a key. */
  find(key: string): FoundSession {
    const journaled = this.#journal.find(key)
    if (journaled === 'deleted') return { kind: 'absent' }
    if (journaled !== undefined) {
      return { kind: 'session', session: journaled.entry, payload: new Uint8Array(journaled.payload) }
    }
    for (const place of this.#placesOf(key)) {
      const found = findFile(place, key)
      if (found.kind === 'corrupt') return found
      if (found.kind !== 'record') continue
      // Another application's, whose prefix begins as ours does; or one that says another key.
      if (!isRecordOf(key, found)) continue
      const { expiry, codec, bytes, stats, payload } = found
      const file = place.file.slice(this.#layout.root.length + 1)
      if (payload === undefined) return { kind: 'corrupt', reason: SEALED }
      const session = { where: 'file', key, file, expiry, bytes, codec, changed: stats.ctimeMs } as const
      return { kind: 'session', session: { kind: 'session', ...session }, payload: new Uint8Array(payload) }
    }
    return { kind: 'absent' }
  }

  /** Whether names are hashed, a file's name tells, but not which directory has such names. */
  #placesOf(key: string): readonly Place[] {
    const hash = keyHash(key)
    return [this.#layout.place(key, hash), this.#layout.hashedPlace(key, hash)]
  }

  *#everything(depth: InspectionDepth): Generator<Visited | undefined, void, undefined> {
    const options = { layout: this.#layout, depth, orphanGrace: this.#orphanGrace }
    this.#directories = 0
    if (this.#layout.sharded) yield* this.#besideDirectories()
    for (const directory of this.#layout.directories) {
      yield* this.#inDirectory(directory, options)
      this.#directories++
    }
    for (const entry of this.#journal.bystanders()) yield { entry }
    for (const { entry, payload } of this.#journal.sessions())
      yield { entry, payload: depth === 'whole' ? new Uint8Array(payload) : undefined }
  }

  /** What lies beside the directories of the sharded layout is nothing of ours. */
  *#besideDirectories(): Generator<Visited | undefined, void, undefined> {
    const { root, directories } = this.#layout
    const own = new Set([JOURNAL_NAME, ...directories.map((directory) => directory.slice(root.length + 1))])
    for (const name of namesIn(root))
      yield own.has(name) ? undefined : { entry: { kind: 'foreign', file: name } }
  }

  #unlessJournaled(visited: Visited | undefined, fileName: string): Visited | undefined {
    if (visited?.entry.kind !== 'session') return visited
    return this.#journal.knows(visited.entry.key, fileName) ? undefined : visited
  }

  /** What is in one of the layout's directories; an entry in the place of one that cannot be read. */
  *#inDirectory(directory: string, options: VisitOptions): Generator<Visited | undefined, void, undefined> {
    const { root } = this.#layout
    try {
      for (const name of namesIn(directory)) {
        if (directory === root && name === JOURNAL_NAME) yield undefined
        else yield this.#unlessJournaled(visitEntry(directory, name, options), name)
      }
    } catch (error) {
      if (directory === root) throw error
      // Directories of the sharded layout are made when their first session comes.
      if (hasCode(error, 'ENOENT')) return
      const file = directory.slice(root.length + 1)
      yield { entry: { kind: 'unreadable', file, code: describeFailure(0, error).code } }
    }
  }
}

/** The names in a directory, streamed. */
function* namesIn(directory: string): Generator<string, void, undefined> {
  const handle = opendirSync(directory, { bufferSize: 256 })
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) yield entry.name
  } finally {
    handle.closeSync()
  }
}

/** As the files storage would be opened that has everything in the directory. */
export function inspectedFiles({
  directory,
  prefix,
  orphanGrace,
  layout = 'sharded',
}: InspectionOptions): FilesWorkerOptions {
  const bounds = { maxRecordBytes: LARGEST_PAYLOAD, orphanGrace }
  return { directory, prefix, layout, ...bounds, fsync: false, hashNames: false, exclusive: false }
}

/** In memory of its own: what a Buffer's pool holds besides would travel along. */
function joined(payloads: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const payload of payloads) {
    all.set(payload, at)
    at += payload.length
  }
  return all
}

/** Nothing is only taken for nothing when nobody has taken it to look at. */
function findFile(place: Place, key: string): SessionFile {
  const found = readSessionFile(place.file, place.format, 'whole', key)
  if (found.kind !== 'absent') return found
  watchClaim(place)
  return readSessionFile(place.file, place.format, 'whole', key)
}
