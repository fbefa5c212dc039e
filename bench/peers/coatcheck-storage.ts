import { files, type StorageDescription } from 'coatcheck'

/** Which of our storages is measured. */
export interface CoatcheckStorageOptions {
  readonly directory: string
  /** Default `'direct'`. */
  readonly durability?: 'direct' | 'journal'
  /** Default `false`. */
  readonly fsync?: boolean
  /** Of the journal: seconds between its checkpoints; default ours. `false`: none while anything is measured. */
  readonly checkpointInterval?: number | false
  /** Whether digests stand for keys; default `false`. */
  readonly hashNames?: boolean
  /** Whether what is stored is sealed; default `false`. */
  readonly sealed?: boolean
}

/** So rare, and at so many bytes, that no bench sees one. */
const NO_CHECKPOINTS = { checkpointInterval: 86_400, journalBytes: 2 ** 40 }

/** As the main thread derives it from what users give. */
const SEAL = { keys: [{ id: 1, key: new Uint8Array(32).fill(1) }], acceptUnsealed: false }

/** Our storage, for everything that measures it. */
export function coatcheckStorage(options: CoatcheckStorageOptions): StorageDescription {
  const { sealed = false } = options
  const storage = plainStorage(options)
  return sealed ? sealedStorage(storage) : storage
}

function plainStorage(options: CoatcheckStorageOptions): StorageDescription {
  const { directory, durability = 'direct', fsync = false, hashNames = false, checkpointInterval } = options
  if (durability === 'direct') return files({ directory, fsync, hashNames })
  const checkpoints =
    checkpointInterval === false
      ? NO_CHECKPOINTS
      : checkpointInterval === undefined
        ? {}
        : { checkpointInterval }
  return files({ directory, fsync, hashNames, durability, ...checkpoints })
}

/** Its workers are given the seal themselves. */
function sealedStorage(storage: StorageDescription): StorageDescription {
  const withSeal = (options: unknown): object => ({ ...(options as object), seal: SEAL })
  const { journal } = storage
  return {
    ...storage,
    options: withSeal(storage.options),
    ...(journal && { journal: { ...journal, options: withSeal(journal.options) } }),
  }
}
