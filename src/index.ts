export type { ConnectionStatistics, CorruptNotice, StorageDescription } from '../workers/protocol/index.js'
export type { Codec } from './codecs/codec.js'
export { json } from './codecs/json.js'
export { msgpack } from './codecs/msgpack.js'
export type { EngineEvents, RecoveryProgress } from './engine/events.js'
export type { Expiry, SessionEngineOptions } from './engine/options.js'
export type { SealOptions } from './engine/seal-option.js'
export { SessionEngine } from './engine/session-engine.js'
export type { SessionVersion } from './engine/session-versions.js'
export type {
  EngineStatistics,
  JournalStatistics,
  LatencyStatistics,
  SweepResult,
} from './engine/statistics.js'
export type { ClearExpiredOptions } from './engine/sweep.js'
export {
  CoatcheckError,
  ConflictError,
  CreateError,
  EncodeError,
  EngineClosedError,
  InvalidSessionKeyError,
  OverloadedError,
  OwnedError,
  StorageError,
  UnconfirmedError,
  UnsupportedError,
  UpdateError,
} from './errors.js'
export { type FilesOptions, files } from './storage/files.js'
