/** Everything that the main thread and the workers say to each other. Both sides import this one module. */
export { keyHash, SLICES, sliceOf } from './key-hash.js'
export { carriesPayload, Opcode, Status } from './opcodes.js'
export type { CorruptNotice, Failure, LoadedRecord, Report } from './reply.js'
export { ReplyReader, ReplyWriter } from './reply.js'
export type { SlotContent } from './request.js'
export {
  BATCH_HEADER,
  isAllDone,
  keyBytesOf,
  longestSlot,
  markAllDone,
  SLOT_HEADER,
  slotLength,
} from './request.js'
export { RequestReader } from './request-reader.js'
export { RequestWriter } from './request-writer.js'
export type {
  OpenStorage,
  StorageDescription,
  Walk,
  WalkKind,
  WalkSlice,
  WorkerStorage,
} from './storage.js'
export { describeFailure, errorCode, hasCode, systemError } from './system-errors.js'
export type { BatchTask, StorageBinding, WalkTask } from './tasks.js'
