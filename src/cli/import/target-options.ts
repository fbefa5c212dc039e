import { type Command, Option } from 'commander'
import { json } from '../../codecs/json.js'
import { msgpack } from '../../codecs/msgpack.js'
import { SessionEngine } from '../../engine/session-engine.js'
import { AT_ONCE } from '../../import/move-in.js'
import { type FilesOptions, files } from '../../storage/files.js'
import { addStoreOptions, type StoreOptions } from '../store-options.js'

/** Options that every import has: how sessions are to be stored. */
export interface TargetOptions extends StoreOptions {
  readonly codec: 'msgpack' | 'json'
  readonly fsync?: true
  readonly maxRecordBytes: number
  readonly json?: true
}

/** Gives a command the directory that sessions go to, and the options that say how they are stored there. */
export function addTargetOptions(command: Command): Command {
  return addStoreOptions(command)
    .addOption(
      new Option('--codec <codec>', 'how sessions are encoded, as in the application')
        .choices(['msgpack', 'json'])
        .default('msgpack'),
    )
    .option('--fsync', 'as in files({ fsync }): what is imported survives a power cut')
    .option('--max-record-bytes <bytes>', 'as in files({ maxRecordBytes })', Number, 2 ** 20)
    .option('--json', 'print what was done as JSON')
}

/** Opens the directory that sessions go to; it is made if absent. */
export function openTarget(directory: string, options: TargetOptions): SessionEngine {
  const { codec, fsync = false, maxRecordBytes } = options
  const storage = files({ ...layoutOf(options), directory, fsync, maxRecordBytes })
  return new SessionEngine({
    storage,
    // More would not be faster: most of the time goes into the reading of files.
    threads: 1,
    codec: codec === 'json' ? json() : msgpack(),
    sweepInterval: false,
    // Room for all that is under way, however large.
    maxPending: { bytes: AT_ONCE * maxRecordBytes },
  })
}

function layoutOf({ layout, prefix, hashNames }: StoreOptions): Partial<FilesOptions> {
  return {
    ...(layout === undefined ? {} : { layout }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(hashNames === undefined ? {} : { hashNames }),
  }
}
