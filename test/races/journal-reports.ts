import type { FilesOptions } from 'coatcheck'
import type { Known } from './journal-history.js'

/** What journal-child.js is given. */
export interface JournalChildOptions {
  readonly files: FilesOptions
  /** Whether what is stored is sealed. */
  readonly sealed?: boolean
  readonly threads: number
  /** Bytes of a segment of the journal; few, so that many follow each other. */
  readonly segmentBytes: number
  /** What is known of each key; the process goes on from there. */
  readonly known: Readonly<Record<string, Known>>
  /** Every so many steps somebody waits for a checkpoint. */
  readonly flushEvery?: number | undefined
  /** After so many it closes its engine and ends. */
  readonly closeAfter?: number | undefined
  /** Instead of all keys at once, takes so many steps of each, one after the other, and closes. */
  readonly roundsInTurn?: number
}

/** The descriptor that it writes its reports to, a line each. */
export const REPORTS = 3
