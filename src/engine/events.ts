import type { CorruptNotice } from '../../workers/protocol/index.js'
import type { EngineStatistics } from './statistics.js'

/** What an engine emits. No event carries a session key. */
export interface EngineEvents {
  /** Work in the background, such as a sweep, failed. Only emitted when somebody listens. */
  error: [error: Error]
  /** A file in a session's place was no session; `keptAs` tells the end of the name under which it was kept. */
  corrupt: [notice: CorruptNotice]
  /** The first operation was turned away because too many are waiting. */
  overloaded: [pending: EngineStatistics['pending']]
  /** After `overloaded`: half of what may wait has been stored. */
  recovered: [pending: EngineStatistics['pending']]
}
