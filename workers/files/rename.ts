import { lstatSync, renameSync } from 'node:fs'
import { hasCode, systemError } from '../protocol/index.js'
import { pause } from './pause.js'

const ATTEMPTS = 12
const FIRST_WAIT = 1
const LONGEST_WAIT = 200

/** What {@link createRename} rests on; tests of the Windows rules bring their own. */
export interface RenameSystem {
  readonly platform: NodeJS.Platform
  readonly rename: (from: string, to: string) => void
  readonly isDirectory: (path: string) => boolean
  /** Blocks the thread for so many milliseconds. */
  readonly wait: (milliseconds: number) => void
}

const realSystem: RenameSystem = {
  platform: process.platform,
  rename: renameSync,
  isDirectory: (path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
  wait: pause,
}

/**
 * The atomic rename. On Windows a virus scanner, an indexer or a reader that has the target open makes it fail
 * for a moment with EPERM, EACCES or EBUSY: it is tried again with growing waits, about a second in all.
 * Elsewhere those codes mean what they say.
 */
export function createRename(system: RenameSystem = realSystem): (from: string, to: string) => void {
  if (system.platform !== 'win32') return system.rename
  return (from, to) => {
    // There, a directory in the way fails with the same codes as a busy file; waiting would not move it.
    if (system.isDirectory(to)) throw systemError('EISDIR', 'rename', 'is a directory')
    for (let attempt = 1; ; attempt++) {
      try {
        return system.rename(from, to)
      } catch (error) {
        if (attempt === ATTEMPTS || !hasCode(error, 'EPERM', 'EACCES', 'EBUSY')) throw error
        system.wait(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)))
      }
    }
  }
}

/** Whether a rename or link failed for a tombstone, or any other directory, in its way. */
export function isDirectoryInTheWay(error: unknown): boolean {
  return hasCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST')
}

/** The rename of this platform. */
export const rename = createRename()
