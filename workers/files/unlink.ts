import { unlinkSync } from 'node:fs'
import { hasCode, systemError } from '../protocol/index.js'
import { type HeldSystem, realSystem, whileHeld } from './held.js'

/** What {@link createUnlink} rests on; tests of the Windows rules bring their own. */
export interface UnlinkSystem extends HeldSystem {
  readonly unlink: (path: string) => void
}

/** Takes a name away; on Windows it waits for whoever has the file open. */
export function createUnlink(
  system: UnlinkSystem = { ...realSystem, unlink: unlinkSync },
): (path: string) => void {
  if (system.platform !== 'win32') return system.unlink
  return (path) =>
    whileHeld(
      system,
      () => system.unlink(path),
      () => {
        if (system.isDirectory(path)) throw systemError('EISDIR', 'unlink', 'is a directory')
      },
    )
}

const unlink = createUnlink()

/** Unlinks a path that need not be there any more. */
export function unlinkIfPresent(path: string): boolean {
  try {
    unlink(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * Unlinks what is of no use any more, on a way on which the outcome is decided already: an operation that has taken effect must
 * not be told to have failed, nor one that has failed to have failed for this. What stays is litter: the sweep collects it.
 */
export function unlinkAnyway(path: string): void {
  try {
    unlink(path)
  } catch {
    // Gone, or litter.
  }
}
