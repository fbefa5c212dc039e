/** Everything that the main thread and the workers say to each other. Both sides import this one module. */

export type { ListedConnection } from './connection-list.js'
export type { ConnectionStatistics } from './connections.js'
export { ConnectionTally, connectionMemory, loseConnections, readConnections } from './connections.js'
export type {
  CheckpointAnswer,
  CheckpointSlice,
  CheckpointStep,
  JournalStorage,
  ReplaySlice,
  StoredSlice,
} from './journal.js'
export { keyHash, SLICES, sliceOf } from './key-hash.js'
export { carriesPayload, Opcode, Status } from './opcodes.js'
export { payloadDigest } from './payload-digest.js'
export { type PayloadPlace, payloadAt } from './payload-place.js'
export type { CorruptNotice, Failure, FoundRecord, LoadedRecord, Report } from './reply.js'
export { gaugeOf, ReplyReader, ReplyWriter } from './reply.js'
export type { JournalGauge, KeyDigest, SlotContent } from './request.js'
export {
  BATCH_HEADER,
  DIGEST_BYTES,
  DIGESTED_KEY,
  isAllDone,
  KEY_DIGEST_BYTES,
  keyBytesOf,
  longestSlot,
  markAllDone,
  OWN_WRITE_ID,
  SLOT_HEADER,
  slotLength,
  WIDE_KEY,
} from './request.js'
export { RequestReader } from './request-reader.js'
export { RequestWriter } from './request-writer.js'
export type { SlotMemory } from './slot-memory.js'
export { copySlot } from './slot-memory.js'
export type { SlotView } from './slot-reader.js'
export { SlotReader } from './slot-reader.js'
export type {
  JournalDescription,
  OpenStorage,
  Ownership,
  RecordFormatBinding,
  SliceLength,
  StorageDescription,
  Walk,
  WalkKind,
  WalkSlice,
  WorkerStorage,
} from './storage.js'
export { describeFailure, errorCode, hasCode, lacksDescriptors, systemError } from './system-errors.js'
export type { BatchTask, LastAnswer, StorageBinding, WalkTask, WorkerBinding } from './tasks.js'
