import type { FilesWorkerOptions } from '../options.js'

/** What the journal is opened with in its worker. */
export interface JournalWorkerOptions extends FilesWorkerOptions {
  /** Bytes past which a segment is followed by a new one. */
  readonly segmentBytes: number
}

/** The name of a journal's directory, beside the sessions: hidden, so that no walk takes it for one. */
export const JOURNAL_NAME = '.journal'

/** The directory of the journal of a session directory. */
export function journalDirectory(directory: string): string {
  return `${directory}/${JOURNAL_NAME}`
}
