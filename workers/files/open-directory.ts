import { accessSync, constants, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { hasCode, systemError } from '../protocol/index.js'

const OTHERS_MAY_WRITE = 0o002
const STICKY = 0o1000

/**
 * Makes the session directory, 0700, if it is absent, and refuses one that sessions would not be safe in. The
 * parent has to exist: a missing one is a typing error or a mount that is not there.
 *
 * @param authentic Whether records are signed: then everybody may write to the directory, as to `/tmp`, if the sticky bit
 * keeps others from taking ours away. Unsigned ones anybody could put there, and with them be whoever he wants.
 */
export function openDirectory(directory: string, authentic = false): void {
  const stats = statusOf(directory)
  if (stats === undefined) return makeDirectory(directory, authentic)
  refuseUnsafe(stats, authentic)
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw hasCode(error, 'EROFS')
      ? systemError('EROFS', 'access', 'the session directory is on a read-only file system')
      : systemError('EACCES', 'access', 'the session directory is not writable for this user')
  }
}

function statusOf(directory: string): Stats | undefined {
  try {
    return statSync(directory, { throwIfNoEntry: false })
  } catch (error) {
    // Something on the way is no directory: making ours will say so.
    if (hasCode(error, 'ENOTDIR')) return undefined
    throw error
  }
}

function refuseUnsafe(stats: Stats, authentic: boolean): void {
  if (!stats.isDirectory()) {
    throw systemError('ENOTDIR', 'stat', 'the session directory is not a directory')
  }
  if (process.platform === 'win32') return
  if ((stats.mode & OTHERS_MAY_WRITE) === 0) return
  if (!authentic) {
    throw systemError('EPERM', 'stat', 'everybody may write to the session directory: chmod it to 0700')
  }
  if ((stats.mode & STICKY) === 0) {
    throw systemError(
      'EPERM',
      'stat',
      'everybody may write to the session directory and it has no sticky bit: chmod it to 0700',
    )
  }
}

/**
 * Refuses a link in the place of a directory of ours within the session directory: who follows it reads and writes
 * elsewhere. The session directory itself may be one, for its path is not ours.
 */
export function refuseLink(directory: string): void {
  if (lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return
  throw systemError('ELOOP', 'lstat', 'a directory within the session directory is a symbolic link')
}

function makeDirectory(directory: string, authentic: boolean): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return refuseUnsafeOther(directory, authentic)
    if (hasCode(error, 'ENOENT')) {
      throw systemError('ENOENT', 'mkdir', 'the parent of the session directory does not exist')
    }
    if (hasCode(error, 'ENOTDIR')) {
      throw systemError('ENOTDIR', 'mkdir', 'the parent of the session directory is not a directory')
    }
    throw error
  }
}

/** Another process has made it meanwhile, or it is a link that leads nowhere. */
function refuseUnsafeOther(directory: string, authentic: boolean): void {
  const stats = statusOf(directory)
  if (stats !== undefined) return refuseUnsafe(stats, authentic)
  throw systemError('ENOTDIR', 'mkdir', 'the session directory is a link to a directory that does not exist')
}
