import type { RecordFormatBinding } from '../protocol/index.js'
import type { SealBinding } from '../seal/index.js'

/** What the files storage is opened with in a worker: every default filled in by `files()` on the main thread. */
export interface FilesWorkerOptions {
  /** Absolute path. */
  readonly directory: string
  readonly layout: 'sharded' | 'flat'
  readonly prefix: string
  readonly fsync: boolean
  readonly hashNames: boolean
  /** Largest payload in bytes; a file larger than header, key and this is never read into memory. */
  readonly maxRecordBytes: number
  /** Age in milliseconds past which a left-over temporary file or placeholder is litter. */
  readonly orphanGrace: number
  /** Whether nobody but this engine writes here: then a delete needs no tombstone. */
  readonly exclusive: boolean
  /** What seals what is stored, and opens it; absent where it is stored as it is. */
  readonly seal?: SealBinding
}

/** What it is opened with where records are of another format than Coatcheck's own. */
export interface FormattedWorkerOptions extends FilesWorkerOptions {
  readonly recordFormat: RecordFormatBinding
}
