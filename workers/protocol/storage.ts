import type { SealBinding } from '../seal/index.js'
import type { ConnectionTally } from './connections.js'
import type { CorruptNotice } from './reply.js'

/**
 * The seam between engine and storage. A storage is two halves: a plain description, made on the main thread
 * and cloned into every worker, and the worker module it names, which applies batches. The engine knows no
 * files and no servers; a storage knows no lanes, codecs or frameworks.
 */
export interface StorageDescription {
  /** What it is called in messages and statistics: `files`, `redis`. */
  readonly kind: string
  /** URL of the worker module; it exports `openStorage` of type {@link OpenStorage}. */
  readonly module: string
  /** What that module is opened with; survives a structured clone. */
  readonly options: unknown
  /** The largest payload, in bytes, that a record may hold. */
  readonly maxRecordBytes: number
  /** Whether the keys of what is stored can be told. */
  readonly listsKeys: boolean
  /** Whether it removes what has expired by itself: there is nothing to sweep. Default `false`. */
  readonly expiresItself?: boolean
  /** Whether its workers wait for servers, and have other batches in hand meanwhile: so fewer of them do. Default `false`. */
  readonly waitsForOthers?: boolean
  /** MiB of young objects in a worker, at the most, where they live longer than those of most storages. Default 6. */
  readonly youngGeneration?: number
  /** Into how many lanes the key space is best cut for so many threads and batches in reach of each. */
  lanes(threads: number, depth: number): number
  /**
   * The same storage with records of another format; absent where there is no such thing.
   * @throws {TypeError} naming the option that it does not go with
   */
  withRecordFormat?(format: RecordFormatBinding): StorageDescription
  /**
   * The same storage with everything that it stores sealed; absent where that cannot be, as in records of another
   * program's format.
   */
  withSeal?(seal: SealBinding): StorageDescription
  /** Where operations are acknowledged by a journal in front of the storage, or one may have been left over. */
  readonly journal?: JournalDescription
}

/**
 * A journal in front of a storage: one worker that is asked first, acknowledges what it has appended, and answers
 * `IN_FILE` for what only the storage behind it knows. It hands its newest state on in checkpoints.
 */
export interface JournalDescription {
  /** URL of the worker module; its `openStorage` opens a {@link JournalStorage}. */
  readonly module: string
  /** What that module is opened with; survives a structured clone. */
  readonly options: unknown
  /**
   * `'ahead'`: every operation goes through it. `'left over'`: none does; what an engine that died has left in one is
   * brought into the storage when it is opened.
   */
  readonly role: 'ahead' | 'left over'
  /** Batches under way at the most: while one is being appended, the next gathers. */
  readonly depth: number
  /** Milliseconds between two checkpoints. */
  readonly checkpointInterval: number
  /** Bytes on disk past which a checkpoint begins at once. */
  readonly checkpointBytes: number
  /** Bytes in memory past which nothing more is accepted; at half of it, checkpoints take all threads there are. */
  readonly memoryLimit: number
  /**
   * Makes this engine the only one that has the storage, as long as it runs; `undefined` where there is no need to be.
   * @throws {OwnedError} when another one has it
   */
  own(): Promise<Ownership | undefined>
}

/** A format of records that is not the storage's own. */
export interface RecordFormatBinding {
  /** URL of the worker module; it exports `openRecordFormat`. */
  readonly module: string
  /** What that module is opened with; survives a structured clone. */
  readonly options: unknown
}

/** Held by the engine that owns a storage; a crash of the process gives it up as well. */
export interface Ownership {
  /** Lets others have it. `clean`: nothing is left in the journal. */
  release(clean: boolean): Promise<void>
}

/**
 * What a walk through everything stored does with what it meets. `reseal`: a sweep that also seals by the newest key what is
 * not.
 */
export type WalkKind = 'keys' | 'count' | 'sweep' | 'reseal' | 'clear'

/** How much one slice takes: `short` while others are at work on the machine's processors, `long` while nobody is. */
export type SliceLength = 'short' | 'long'

/** One slice of a walk, small enough not to keep a thread from other work for long. */
export interface WalkSlice {
  readonly done: boolean
  /** `keys`: the live keys met. */
  readonly keys: string[]
  /** Entries looked at. */
  readonly scanned: number
  /** `count`: live sessions met. `clear`: sessions removed. */
  readonly live: number
  /** Expired sessions removed. */
  readonly expired: number
  /** Temporary files, placeholders and tombstones removed. */
  readonly orphans: number
  /** `reseal`: sessions sealed anew. */
  readonly resealed: number
  /** Files in a session's place that are no sessions. */
  readonly corrupt: CorruptNotice[]
  /** `reseal`: why sessions could not be sealed anew, one for each. */
  readonly refused: CorruptNotice[]
}

/** A walk under way in a worker. */
export interface Walk {
  /** The next slice, a short one by default; after `done` or `end()` it is not called again. */
  next(length?: SliceLength): WalkSlice | Promise<WalkSlice>
  /** Gives up early; closes what is open. */
  end(): void | Promise<void>
}

/** The worker half of a storage. */
export interface WorkerStorage {
  /** Whether its batches wait for a server, and the next may be begun meanwhile. Default `false`. */
  readonly waitsForOthers?: boolean
  /** Applies one batch; see request.ts and reply.ts. Rejects nothing: every slot has its own status. */
  apply(wire: ArrayBuffer): ArrayBuffer | null | Promise<ArrayBuffer | null>
  /** Starts a walk. */
  walk(kind: WalkKind): Walk
  /** Removes what need not outlive the process. Called in each worker that can be reached, at close. */
  close(): void | Promise<void>
}

/**
 * The function that a storage's worker module exports as `openStorage`. One that waits for others is told where its connections are
 * counted.
 */
export type OpenStorage = (
  options: never,
  ...connections: ConnectionTally[]
) => WorkerStorage | Promise<WorkerStorage>
