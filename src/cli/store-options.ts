import { type Command, Option } from 'commander'
import type { FilesOptions } from '../storage/files.js'

/** How the sessions of a directory are laid out: what every command has to know. */
export type StoreOptions = Pick<FilesOptions, 'prefix' | 'layout' | 'hashNames'>

/** Gives a command its directory and the options that say how sessions are laid out in it. */
export function addStoreOptions(command: Command): Command {
  return command
    .argument('<directory>', 'where the sessions live')
    .addOption(
      new Option('--layout <layout>', 'as in files({ layout })')
        .choices(['sharded', 'flat'])
        .default('sharded'),
    )
    .option('--prefix <prefix>', 'as in files({ prefix })')
    .option('--hash-names', 'as in files({ hashNames })')
}
