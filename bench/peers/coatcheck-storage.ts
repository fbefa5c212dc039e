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
}

/** So rare, and at so many bytes, that no bench sees one. */
const NO_CHECKPOINTS = { checkpointInterval: 86_400, journalBytes: 2 ** 40 }

/** Our storage, for everything that measures it. */
export function coatcheckStorage(options: CoatcheckStorageOptions): StorageDescription {
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
