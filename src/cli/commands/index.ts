import type { Command } from 'commander'
import { addClearExpired } from './clear-expired.js'
import { addCopy } from './copy.js'
import { addCount } from './count.js'
import { addImport } from './import.js'
import { addList } from './list.js'
import { addRecover } from './recover.js'
import { addShow } from './show.js'
import { addStats } from './stats.js'
import { addVerify } from './verify.js'

/** Every command, in the order of the help: each adds itself to the program, with `program.command(…)`. */
export const COMMANDS: readonly ((program: Command) => void)[] = [
  addCount,
  addList,
  addShow,
  addStats,
  addVerify,
  addClearExpired,
  addRecover,
  addImport,
  addCopy,
]
