import { type Command, Option } from 'commander'
import { addStoreOptions, type StoreOptions } from '../store-options.js'

/** Options that every import has: how sessions are to be stored. */
export interface TargetOptions extends StoreOptions {
  readonly codec: 'msgpack' | 'json'
  readonly fsync?: boolean
  readonly maxRecordBytes: number
  /** Whether what became of them is told to a program. */
  readonly json?: boolean
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
    .option('--json', 'print one line of JSON')
}
