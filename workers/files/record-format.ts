import type { Stats } from 'node:fs'
import type { KeyDigest, Opcode, RequestReader } from '../protocol/index.js'
import type { RecordOwner } from '../record/owner.js'
import type { RecordContent } from '../record/record.js'
import type { WriteId } from '../record/write-id.js'
import type { DecodedName } from './names.js'
import type { FilesWorkerOptions } from './options.js'

/** What a record tells besides its payload, and without it. */
export interface RecordTraits {
  /** In UTF-16 units; `undefined` where records do not tell. */
  readonly keyLength: number | undefined
  readonly keyIncluded: boolean
  /** Tells it from any other record that has stood in its place. */
  readonly writeId: WriteId
  /** An update put it there, or may have: only over a session, so where there was none it came too late. */
  readonly writtenByUpdate: boolean
}

/** A record that was looked at. */
export interface Peeked {
  readonly header: RecordTraits
  /** The effective one: milliseconds since the epoch. */
  readonly expiry: number
}

/** A record read back whole. */
export interface StoredRecord extends RecordTraits {
  /** The effective one: milliseconds since the epoch. */
  readonly expiry: number
  readonly codec: number
  /** Only where the record carries it. */
  readonly key: string | undefined
  readonly payload: Uint8Array
}

/** Where a session lives, as far as its record's format has to know. */
export interface RecordPlace {
  /** The path of its file. */
  readonly file: string
  /** The key has to be kept inside the record, for the name does not tell it. */
  readonly keyInRecord: boolean
}

/** One version of one session, ready to be written. */
export interface ComposedVersion<
  Where extends RecordPlace = RecordPlace,
  What extends WriteOpcode = WriteOpcode,
> {
  readonly opcode: What
  readonly place: Where
  /** The record lies in `bytes` from `start` to `end`. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** When the session ends: milliseconds since the epoch. */
  readonly expiry: number
  /** What the file's times are set to: milliseconds since the epoch. */
  readonly fileTime: number
  readonly writeId: WriteId
  /** A worker may have begun this very operation before it died. */
  readonly retried: boolean
}

/** A new expiry for the session of a key. */
export interface NewExpiry {
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly expiry: number
}

/** What is said of a file that is too large to be read. */
export const LARGER_THAN_ANY = 'larger than any record'

/** Session keys and file names, the prefix left out. */
export interface NameScheme {
  /** The name of a key. */
  encode(key: string, prefix: string): string
  /** The key behind a name; `undefined` for a name that `encode` does not make. */
  decode(name: string, prefix: string): DecodedName | undefined
  /** Whether this is a temporary file of another writer who has a right to be here. */
  isTemporary(name: string): boolean
}

/**
 * What a regular file that is not empty is. `foreign`: perhaps another program's session, or one that others have the key
 * to, and nobody's here: nothing is to take its place but a save, which replaces whatever there is.
 */
export type RecordStanding = 'alive' | 'dead' | 'foreign'

/**
 * What stands in a session's file, and when it expires. One for all files of a directory. The save protocol, claims and
 * tombstones are the same whatever it is.
 */
export interface RecordFormat {
  readonly names: NameScheme
  /** Milliseconds for which an empty file is the place that somebody keeps for a session that he is about to create. */
  readonly placeholderLife: number
  /** Whether records begin with a header of ours, which tells all but the payload to whoever cannot open that. */
  readonly hasHeader: boolean
  /** The largest file that can be a record. */
  longest(maxRecordBytes: number): number
  /** What is to be written for the current slot. Only under hashed names may its key be a digest. */
  compose<Where extends RecordPlace, What extends WriteOpcode>(
    request: RequestReader,
    opcode: What,
    key: string | KeyDigest,
    place: Where,
  ): ComposedVersion<Where, What>
  /** Whether the record in a version's way is what a worker that has died put there for this very operation. */
  isOwn(version: ComposedVersion): boolean
  /**
   * A whole file, checked, that was last modified then; a reason in words when it is torn, damaged, or no record. The
   * payload may be a view of these bytes. Without an owner, or of another's record, a sealed one is left as it is.
   */
  read(bytes: Buffer, fileTime: number, owner?: RecordOwner): StoredRecord | string
  /**
   * Whether what is no record for this reason may be another program's session, or one that others have the key to: that is
   * told, but it stays where it is. Everything else is moved aside.
   */
  isForeign(reason: string): boolean
  /** What a file tells; `undefined` when there is none, or no record. */
  peek(file: string): Peeked | undefined
  /** Whether a file's time alone tells that its session is alive: then there is no need to look into it. */
  isAliveByTime(stats: Stats, now: number): boolean
  /** Whether the session of a regular file that is not empty is alive. */
  standing(stats: Stats, file: string, now: number): RecordStanding
  /**
   * Moves the expiry of an open file, and touches no other.
   * @returns the former one; `undefined` when no live session of this key is in it
   */
  moveExpiry(descriptor: number, stats: Stats, to: NewExpiry, now: number): number | undefined
  /** A record of these, for a session that is in no file. */
  composeAlone(key: string, place: RecordPlace, content: RecordContent): Buffer
  /**
   * A whole file's record sealed by the newest key; `undefined` when it is already; a reason in words when it cannot be
   * opened. Absent where nothing is sealed: files then keep their place until they are replaced or deleted.
   */
  reseal?(bytes: Buffer, owner: RecordOwner): Buffer | undefined | string
}

/** What writes a record. */
export type WriteOpcode =
  | typeof Opcode.CREATE
  | typeof Opcode.UPDATE
  | typeof Opcode.SAVE
  | typeof Opcode.REPLACE

/** The function that the module of a record format exports as `openRecordFormat`. */
export type OpenRecordFormat = (options: never, files: FilesWorkerOptions) => RecordFormat
