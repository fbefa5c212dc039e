import { resolve } from 'node:path'
import type { FilesWorkerOptions } from '../../workers/files/options.js'
import type { StorageDescription } from '../../workers/protocol/index.js'
import { booleanOption, checkNames, choiceOption, numberOption, refuse } from '../engine/option-checks.js'

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
  /** `'direct'`: a save is acknowledged when its file is in place. Default, and so far the only one, `'direct'`. */
  durability?: 'direct'
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
] as const

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
  choiceOption('durability', options.durability, 'direct', ['direct'])
  const layout = choiceOption('layout', options.layout, 'sharded', ['sharded', 'flat'])
  const maxRecordBytes = numberOption('maxRecordBytes', options.maxRecordBytes, 2 ** 20, {
    least: 1,
    most: 2 ** 28,
    unit: 'bytes',
    whole: true,
  })
  const workerOptions: FilesWorkerOptions = {
    directory: resolve(directory),
    layout,
    prefix,
    fsync: booleanOption('fsync', options.fsync, false),
    hashNames: booleanOption('hashNames', options.hashNames, false),
    maxRecordBytes,
    orphanGrace:
      1000 *
      numberOption('orphanGrace', options.orphanGrace, 3600, { least: 0, most: 31_536_000, unit: 'seconds' }),
  }
  return {
    kind: 'files',
    module: new URL('../../workers/files/index.js', import.meta.url).href,
    options: workerOptions,
    maxRecordBytes,
    listsKeys: !workerOptions.hashNames,
    // A lane for every batch that can be under way: fewer would leave threads idle, more would make batches
    // smaller, and a batch costs the event loop the same whatever it carries. One directory is one lane: the
    // kernel's directory lock makes two writers in one directory slower than one.
    lanes: (threads, depth) => (layout === 'flat' ? 1 : threads * depth),
  }
}
