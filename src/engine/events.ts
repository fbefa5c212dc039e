import type { CorruptNotice } from '../../workers/protocol/index.js'
import type { EngineStatistics } from './statistics.js'

/** How far the reading back of a journal has come. */
export interface RecoveryProgress {
  readonly done: boolean
  readonly bytes: number
  readonly totalBytes: number
  /** Operations read back so far. */
  readonly records: number
}

/** What an engine emits. No event carries a session key. */
export interface EngineEvents {
  /** Work in the background, such as a sweep, failed. Only emitted when somebody listens. */
  error: [error: Error]
  /**
   * A file in a session's place was no session; `keptAs` tells the end of the name under which it was kept, and is
   * `undefined` where it was left in place.
   */
  corrupt: [notice: CorruptNotice]
  /** The first operation was turned away because too many are waiting. */
  overloaded: [pending: EngineStatistics['pending']]
  /** A part of the journal that an engine which died has left has been read back, while this one opens. */
  recovery: [progress: RecoveryProgress]
  /** After `overloaded`: half of what may wait has been stored. */
  recovered: [pending: EngineStatistics['pending']]
}
