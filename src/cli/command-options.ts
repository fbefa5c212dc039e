import type { Command } from 'commander'
import { addDjangoOptions, type DjangoStoreOptions } from './django-options.js'
import { addStoreOptions } from './store-options.js'

/** What every command that looks after stored sessions can be told. */
export interface CommandOptions extends DjangoStoreOptions {
  /** Whether what is found is told to a program. */
  readonly json?: boolean
}

/** Gives a command its directory, how sessions are stored in it, and how to tell of them. */
export function addCommandOptions(command: Command): Command {
  return addDjangoOptions(addStoreOptions(command)).option('--json', 'print JSON, a line for each thing told')
}
