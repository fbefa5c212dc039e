import { resolve } from 'node:path'
import type { JournalWorkerOptions } from '../../workers/files/journal/options.js'
import type { FilesWorkerOptions, FormattedWorkerOptions } from '../../workers/files/options.js'
import type {
  JournalDescription,
  RecordFormatBinding,
  StorageDescription,
} from '../../workers/protocol/index.js'
import { booleanOption, checkNames, choiceOption, numberOption, refuse } from '../option-checks.js'
import { ownForGood, ownForRecovery, refuseLeftover } from './ownership/claims.js'
import { plainPath } from './plain-path.js'

/** Options of {@link files}. */
export interface FilesOptions {
  /** Where the sessions live; made, for this user alone, if absent. Its parent has to exist. */
  directory: string
  /**
   * `'sharded'` spreads sessions over 256 directories, so that threads do not wait for each other; `'flat'` puts
   * them into one, named prefix + key, as Django does. Default `'sharded'`.
   */
  layout?: 'sharded' | 'flat'
  /** What every session's file name begins with: 0 to 64 of `a-z A-Z 0-9 _ -`. Default `''`. */
  prefix?: string
  /**
   * `'direct'`: a save is acknowledged when its file is in place; any number of processes may share the directory.
   * `'journal'`: it is acknowledged when it stands in a journal, and written to its file later, together with what came
   * after it; one process owns the directory. Default `'direct'`.
   */
  durability?: 'direct' | 'journal'
  /** Whether an acknowledged save has to survive a power cut. Default `false`. */
  fsync?: boolean
  /**
   * Stores sessions under a digest of their key, so that a stolen listing or backup names no live session; keys
   * cannot be listed then. Default `false`.
   */
  hashNames?: boolean
  /** Largest encoded session in bytes; a larger one is refused with an `EncodeError`. Default 1 MiB. */
  maxRecordBytes?: number
  /**
   * Age in seconds past which the sweep takes a temporary file for one that a crash left behind. Has to be longer
   * than any writer can stall. Default 3 600.
   */
  orphanGrace?: number
  /** `journal` only: seconds between two checkpoints, which write sessions to their files. Default 10. */
  checkpointInterval?: number
  /** `journal` only: bytes of the journal on disk past which a checkpoint begins at once. Default 128 MiB. */
  journalBytes?: number
  /**
   * `journal` only: bytes of memory for what is not in files yet. At half of it checkpoints speed up; past it, writes are
   * refused with an `OverloadedError`. Default 256 MiB.
   */
  journalMemory?: number
  /**
   * `journal` only: milliseconds to wait for another engine that owns the directory to close, as while a server is restarted,
   * before `OwnedError`. Default 0.
   */
  ownerTimeout?: number
}

const KNOWN = [
  'directory',
  'layout',
  'prefix',
  'durability',
  'fsync',
  'hashNames',
  'maxRecordBytes',
  'orphanGrace',
  'checkpointInterval',
  'journalBytes',
  'journalMemory',
  'ownerTimeout',
] as const

const JOURNAL_OPTIONS = ['checkpointInterval', 'journalBytes', 'journalMemory', 'ownerTimeout'] as const

/** Bytes of a journal's segment: a part that is read back in one piece, and that goes in one piece. */
const SEGMENT_BYTES = 16 * 2 ** 20

/**
 * The storage that keeps each session in a file of its own.
 *
 * @throws {TypeError} for a wrong option, naming it
 * @example
 * new SessionEngine({ storage: files({ directory: './sessions', fsync: true }) })
 */
export function files(options: FilesOptions): StorageDescription {
  checkNames('files', options, KNOWN)
  const { directory, prefix = '' } = options
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    refuse('directory', directory, 'the path of a directory')
  }
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9_-]{0,64}$/.test(prefix)) {
    refuse('prefix', prefix, '0 to 64 characters of a-z A-Z 0-9 _ -')
  }
  const durability = choiceOption('durability', options.durability, 'direct', ['direct', 'journal'])
  const layout = choiceOption('layout', options.layout, 'sharded', ['sharded', 'flat'])
  const maxRecordBytes = numberOption('maxRecordBytes', options.maxRecordBytes, 2 ** 20, {
    least: 1,
    most: 2 ** 28,
    unit: 'bytes',
    whole: true,
  })
  const workerOptions: FilesWorkerOptions = {
    directory: plainPath(resolve(directory)),
    layout,
    prefix,
    fsync: booleanOption('fsync', options.fsync, false),
    hashNames: booleanOption('hashNames', options.hashNames, false),
    maxRecordBytes,
    orphanGrace:
      1000 *
      numberOption('orphanGrace', options.orphanGrace, 3600, { least: 0, most: 31_536_000, unit: 'seconds' }),
    exclusive: durability === 'journal',
  }
  return describe({ ...options }, workerOptions)
}

/** The same storage, with a seal or without, in records of our own or of another format. */
function describe(options: FilesOptions, workerOptions: FilesWorkerOptions): StorageDescription {
  const { layout, maxRecordBytes, hashNames, exclusive } = workerOptions
  const described: StorageDescription = {
    kind: 'files',
    module: new URL('../../workers/files/index.js', import.meta.url).href,
    options: workerOptions,
    maxRecordBytes,
    listsKeys: !hashNames,
    // A lane for every batch that can be under way: fewer would leave threads idle, more would make batches
    // smaller, and a batch costs the event loop the same whatever it carries. One directory is one lane: the
    // kernel's directory lock makes two writers in one directory slower than one.
    lanes: (threads, depth) => (layout === 'flat' ? 1 : threads * depth),
    journal: journalOf(exclusive ? 'journal' : 'direct', options, workerOptions),
  }
  return {
    ...described,
    withRecordFormat: (recordFormat) => withFormat(described, workerOptions, recordFormat),
    withSeal: (seal) => describe(options, { ...workerOptions, seal }),
  }
}

/** The same storage with records of another format, which somebody else is to find where he would have put them. */
function withFormat(
  storage: StorageDescription,
  workerOptions: FilesWorkerOptions,
  recordFormat: RecordFormatBinding,
): StorageDescription {
  const { layout, prefix, exclusive, hashNames, directory } = workerOptions
  if (layout !== 'flat') {
    refuse('layout', layout, "'flat' with this codec: whoever shares the directory looks nowhere else")
  }
  if (prefix === '') {
    refuse(
      'prefix',
      prefix,
      "Django's SESSION_COOKIE_NAME with this codec: nothing else tells sessions from other files",
    )
  }
  if (exclusive) {
    refuse('durability', 'journal', "'direct' with this codec: nobody else can see what is in a journal")
  }
  if (hashNames) {
    refuse('hashNames', hashNames, 'false with this codec: whoever shares the directory knows no digests')
  }
  const { journal } = storage
  const formattedOptions: FormattedWorkerOptions = { ...workerOptions, recordFormat }
  return {
    ...storage,
    module: new URL('../../workers/files/formatted.js', import.meta.url).href,
    options: formattedOptions,
    ...(journal && { journal: { ...journal, own: () => refuseLeftover(directory) } }),
  }
}

function journalOf(
  durability: 'direct' | 'journal',
  options: FilesOptions,
  workerOptions: FilesWorkerOptions,
): JournalDescription {
  const { directory } = workerOptions
  const role = durability === 'journal' ? 'ahead' : 'left over'
  if (role === 'left over') {
    for (const name of JOURNAL_OPTIONS) {
      if (options[name] !== undefined)
        refuse(name, options[name], "to be absent without durability: 'journal'")
    }
  }
  const bytes = { least: 2 ** 20, most: 2 ** 40, unit: 'bytes', whole: true }
  const timeout = numberOption('ownerTimeout', options.ownerTimeout, 0, {
    least: 0,
    most: 2_147_483_647,
    unit: 'milliseconds',
  })
  const journalOptions: JournalWorkerOptions = { ...workerOptions, segmentBytes: SEGMENT_BYTES }
  return {
    module: new URL('../../workers/files/journal/index.js', import.meta.url).href,
    options: journalOptions,
    role,
    // The event loop prepares one batch while the other is appended.
    depth: 2,
    checkpointInterval:
      1000 *
      numberOption('checkpointInterval', options.checkpointInterval, 10, {
        least: 0.01,
        most: 2_147_483,
        unit: 'seconds',
      }),
    checkpointBytes: numberOption('journalBytes', options.journalBytes, 128 * 2 ** 20, bytes),
    memoryLimit: numberOption('journalMemory', options.journalMemory, 256 * 2 ** 20, {
      ...bytes,
      most: 2 ** 32,
    }),
    own: () => (role === 'ahead' ? ownForGood(directory, timeout) : ownForRecovery(directory)),
  }
}
