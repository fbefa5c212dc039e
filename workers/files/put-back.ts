import { linkSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { hasNoHardLinks } from './hard-links.js'
import { rename } from './rename.js'
import { exhume } from './tombstone.js'
import { unlinkIfPresent } from './unlink.js'

/** Puts a taken file back where it came from, unless a newer one stands there. */
export function putBack(taken: string, file: string): void {
  try {
    linkSync(taken, file)
  } catch (error) {
    if (hasNoHardLinks(error)) {
      renameBack(taken, file)
      return
    }
    if (!hasCode(error, 'EEXIST')) throw error
  }
  if (!exhume(taken)) unlinkIfPresent(taken)
}

/**
 * For what cannot be linked: a tombstone, or a file where there are no hard links. Only this way of putting back can
 * replace a newer version, and a tombstone cannot do even that: then it is not needed any more.
 */
function renameBack(taken: string, file: string): void {
  try {
    rename(taken, file)
  } catch (error) {
    if (!hasCode(error, 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST') || !exhume(taken)) throw error
  }
}
