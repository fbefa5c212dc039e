import { hasCode } from '../protocol/index.js'

/**
 * Whether a link failed since the file system has no hard links, such as FAT, exFAT and some network shares. EISDIR is what
 * Windows' "incorrect function" becomes; no other system gives it for a file.
 */
export function hasNoHardLinks(error: unknown): boolean {
  return hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR')
}
