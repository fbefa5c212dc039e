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
