import type { Command } from 'commander'
import { addDjango } from '../import/django.js'
import { addSessionFileStore } from '../import/session-file-store.js'

/** `coatcheck import`. */
export function addImport(program: Command): void {
  const command = program
    .command('import')
    .description('copy the sessions of another store into a directory of Coatcheck')
    .helpCommand(false)
  addSessionFileStore(command)
  addDjango(command)
}
