import { statSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { FilesOptions } from '../storage/files.js'

/** How the sessions of a directory are laid out: what every command has to know. */
export interface StoreOptions {
  /** `undefined`: as the directory shows. */
  readonly layout?: NonNullable<FilesOptions['layout']>
  readonly prefix?: string
}

/** The same for commands that need an engine. */
export interface EngineStoreOptions extends StoreOptions {
  readonly hashNames?: boolean
}

/** Whether what is found is told to a program. */
export interface OutputOptions {
  readonly json?: boolean
}

/** Gives a command its directory and the options that say how sessions are laid out in it. */
export function addStoreOptions(command: Command): Command {
  return command
    .argument('<directory>', 'where the sessions live')
    .addOption(
      new Option('--layout <layout>', 'as in files({ layout }); by default what the directory shows').choices(
        ['sharded', 'flat'],
      ),
    )
    .option('--prefix <prefix>', 'as in files({ prefix })')
    .option('--hash-names', 'as in files({ hashNames })')
}

/** The engine would make a directory that is not there, but here it is a typing error. */
export function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined)
    throw new Error(`there is no directory ${directory}`)
}
