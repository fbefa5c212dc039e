import type { Failure, RecordFormatBinding } from '../../protocol/index.js'
import type { SealBinding } from '../../seal/index.js'

/*
 * What an inspection tells of a session directory: the messages between the command line and its worker. Paths are relative
 * to the directory.
 */

/** What the worker is opened with. */
export interface InspectionOptions {
  /** Absolute path. */
  readonly directory: string
  /** `undefined`: as the directory shows. */
  readonly layout: 'sharded' | 'flat' | undefined
  readonly prefix: string
  /** Age in milliseconds past which a left-over temporary file or placeholder is litter. */
  readonly orphanGrace: number
  /** Where records are of another format than Coatcheck's own. */
  readonly recordFormat: RecordFormatBinding | undefined
  /** What opens what is sealed, where it is known. */
  readonly seal?: SealBinding
}

/** A session, live or expired, in its newest version. */
export interface SessionEntry {
  readonly kind: 'session'
  readonly where: 'file' | 'journal'
  /** `undefined` where only a digest of it is kept. */
  readonly key: string | undefined
  /** In a journal, where only that is kept: as it stands in a file's name. */
  readonly digest?: string
  /** `undefined` in a journal. */
  readonly file: string | undefined
  /** Milliseconds since the epoch. */
  readonly expiry: number
  /** Of the encoded session. */
  readonly bytes: number
  readonly codec: number
  /** When it was last saved or touched, in milliseconds since the epoch; a journal does not tell. */
  readonly changed: number | undefined
  /** Where it lies in the slice's `payloads`; only of sessions that are read whole. */
  readonly payloadAt?: number
  /** Sealed, and not opened: for no keys are known, or nothing but its header was read. */
  readonly closed?: true
}

/** In a session's place, or a part of a journal, and no good. */
export interface CorruptEntry {
  readonly kind: 'corrupt'
  readonly file: string
  readonly reason: string
}

/** Something that whoever writes sessions makes for a moment. */
export interface OrphanEntry {
  readonly kind: 'orphan'
  readonly file: string
  readonly what: 'temporary' | 'placeholder' | 'tombstone' | 'claim' | 'taken'
  /** Old enough for the sweep to take it away; a younger one may be in use. */
  readonly stale: boolean
}

/** Nothing of ours (`foreign`), or kept for whoever wants to look at it (`aside`). */
export interface BystanderEntry {
  readonly kind: 'aside' | 'foreign'
  readonly file: string
}

/** What could not be looked at. */
export interface UnreadableEntry {
  readonly kind: 'unreadable'
  readonly file: string
  /** The system's, such as `EACCES`. */
  readonly code: string
}

export type InspectedEntry = SessionEntry | CorruptEntry | OrphanEntry | BystanderEntry | UnreadableEntry

/** Whether payloads are read and checked, or only headers. */
export type InspectionDepth = 'header' | 'whole'

/** A part of a walk, small enough not to take long nor to fill memory. */
export interface InspectionSlice {
  readonly done: boolean
  readonly entries: readonly InspectedEntry[]
  /** Of the sessions among them, one behind the other, where they are read whole. */
  readonly payloads: Uint8Array
  /** Directories that are through, and how many there are. */
  readonly directories: number
  readonly totalDirectories: number
}

/** What is known of the journal when it has been read. */
export interface JournalSummary {
  readonly segments: number
  readonly bytes: number
  /** Operations that count. */
  readonly records: number
}

/** A part of a journal has been read. */
export interface JournalSlice {
  readonly done: boolean
  readonly bytes: number
  readonly totalBytes: number
  readonly records: number
  /** With `done`: `undefined` without a journal. */
  readonly summary?: JournalSummary
}

/** What stands under one key. */
export type FoundSession =
  | { readonly kind: 'absent' }
  | { readonly kind: 'corrupt'; readonly reason: string }
  | { readonly kind: 'session'; readonly session: SessionEntry; readonly payload: Uint8Array }

/** The worker's functions: what each is given, and what it answers unless it fails. */
export interface InspectionTasks {
  readonly open: { readonly task: null; readonly answer: { readonly layout: 'sharded' | 'flat' } }
  readonly readJournal: { readonly task: null; readonly answer: JournalSlice }
  readonly walk: { readonly task: InspectionDepth; readonly answer: InspectionSlice }
  readonly find: { readonly task: string; readonly answer: FoundSession }
}

/** A failure is an answer, as everywhere in the workers: a rejection means that the worker died. */
export type Answered<Answer> = Answer | { readonly failure: Failure }
