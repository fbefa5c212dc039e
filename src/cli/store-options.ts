import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { detectLayout } from '../../workers/files/inspect/detect-layout.js'
import type { FilesOptions } from '../storage/files.js'
import { printable } from './output.js'
import { addSealOptions, type SealKeyOptions } from './seal-keys.js'

/** How the sessions of a directory are laid out: what every command has to know. */
export type StoreOptions = Pick<FilesOptions, 'prefix' | 'layout' | 'hashNames'> & SealKeyOptions

/** Gives a command its directory and the options that say how sessions are laid out in it. */
export function addStoreOptions(command: Command): Command {
  command
    .argument('<directory>', 'where the sessions live')
    .addOption(
      new Option('--layout <layout>', 'as in files({ layout }); by default what the directory shows').choices(
        ['sharded', 'flat'],
      ),
    )
    .option('--prefix <prefix>', 'as in files({ prefix })')
    .option('--hash-names', 'as in files({ hashNames })')
  return addSealOptions(command)
}

/** The layout that is said or, where none is, shown by the directory; `sharded` where that shows none, or is not there. */
export function layoutOf(directory: string, { layout, prefix = '' }: StoreOptions): 'sharded' | 'flat' {
  return layout ?? detectLayout(resolve(directory), prefix)
}

/**
 * The engine would make a directory that is not there, but here it is a typing error.
 * @throws {TypeError} when there is none, or something else
 */
export function requireDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined) throw new TypeError(`there is no directory ${printable(directory)}`)
  if (!found.isDirectory()) throw new TypeError(`${printable(directory)} is no directory`)
}
