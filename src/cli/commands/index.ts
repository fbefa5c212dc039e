import type { Command } from 'commander'
import { addClearExpired } from './clear-expired.js'
import { addCount } from './count.js'
import { addImport } from './import.js'
import { addRecover } from './recover.js'

/** Every command, in the order of the help: each adds itself to the program, with `program.command(…)`. */
export const COMMANDS: readonly ((program: Command) => void)[] = [
  addClearExpired,
  addRecover,
  addCount,
  addImport,
]
