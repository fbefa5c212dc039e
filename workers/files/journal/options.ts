import type { FilesWorkerOptions } from '../options.js'

/** What the journal is opened with in its worker. */
export interface JournalWorkerOptions extends FilesWorkerOptions {
  /** Bytes past which a segment is followed by a new one. */
  readonly segmentBytes: number
}

/** The directory of the journal, beside the sessions: hidden, so that no walk takes it for one. */
export function journalDirectory(directory: string): string {
  return `${directory}/.journal`
}
