import { renameSync } from 'node:fs'
import { hasCode, systemError } from '../protocol/index.js'
import { type HeldSystem, realSystem, whileHeld } from './held.js'

/** What {@link createRename} rests on; tests of the Windows rules bring their own. */
export interface RenameSystem extends HeldSystem {
  readonly rename: (from: string, to: string) => void
}

/** The atomic rename; on Windows it waits for whoever has the target open. */
export function createRename(
  system: RenameSystem = { ...realSystem, rename: renameSync },
): (from: string, to: string) => void {
  if (system.platform !== 'win32') return system.rename
  return (from, to) =>
    whileHeld(
      system,
      () => system.rename(from, to),
      () => {
        // There, a directory in the way fails with the same codes as a file that is open; waiting would not move it. A
        // tombstone may come at any time.
        if (system.isDirectory(to)) throw systemError('EISDIR', 'rename', 'is a directory')
      },
    )
}

/** Whether a rename or link failed for a tombstone, or any other directory, in its way. */
export function isDirectoryInTheWay(error: unknown): boolean {
  return hasCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST')
}

/** The rename of this platform. */
export const rename = createRename()
