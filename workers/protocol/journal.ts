import type { CorruptNotice, Failure } from './reply.js'
import type { JournalGauge } from './request.js'
import type { WorkerStorage } from './storage.js'

/** A part of a journal has been read back. */
export interface ReplaySlice {
  readonly done: boolean
  readonly bytes: number
  readonly totalBytes: number
  /** Operations read so far. */
  readonly records: number
  /** What of the journal is damaged. */
  readonly corrupt: CorruptNotice[]
  readonly gauge: JournalGauge
}

/** Some sessions that are to be written to their files: a batch for a worker of the files. */
export interface CheckpointSlice {
  readonly id: number
  readonly wire: ArrayBuffer
}

/** What became of a slice: the reply to its batch, or that its worker was lost. */
export interface StoredSlice {
  readonly id: number
  readonly reply: ArrayBuffer | null | 'lost'
}

/** One step of a checkpoint. */
export type CheckpointStep =
  /** A new checkpoint, of everything the journal holds now. One at a time. */
  | { readonly kind: 'begin' }
  /** The next slice, and what became of an earlier one. */
  | { readonly kind: 'next'; readonly stored?: StoredSlice }
  /** Lets the journal forget what is in files now. */
  | { readonly kind: 'end' }

/** What a checkpoint's worker answers. */
export interface CheckpointAnswer {
  /** `next`: without one, there is nothing left that is not under way. */
  readonly slice?: CheckpointSlice
  /** `end`: what could not be written to files; the journal keeps it. */
  readonly failures?: readonly Failure[]
  readonly gauge: JournalGauge
  /** Sessions that are in the journal and not in files. */
  readonly entries: number
}

/** The worker half of a storage that acknowledges by a journal. */
export interface JournalStorage extends WorkerStorage {
  /** How much it holds. */
  readonly gauge: JournalGauge
  /** Reads the next part of what the journal held when it was opened; batches before the last of them read the rest. */
  replay(): ReplaySlice
  /** Takes one step of a checkpoint. */
  checkpoint(step: CheckpointStep): CheckpointAnswer
}
