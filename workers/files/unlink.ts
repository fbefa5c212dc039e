import { unlinkSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'

/** Unlinks a path that need not be there any more. */
export function unlinkIfPresent(path: string): boolean {
  try {
    unlinkSync(path)
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
    unlinkSync(path)
  } catch {
    // Gone, or litter.
  }
}
