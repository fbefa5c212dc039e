import { chmodSync, mkdirSync, readdirSync, rmdirSync, type Stats } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { unlinkIfPresent } from './unlink.js'

/*
 * How a deleted session stays deleted, across processes, without locks and without a look of its own.
 *
 * A tombstone is an empty directory in the session's very place. The rename of an update that had found the session
 * before it was deleted fails on it, in the kernel, at the last moment there is: a file cannot replace a directory.
 * Whoever brings the key back to life on purpose, a create or a save, removes it first; `rmdir` can remove a
 * tombstone, but never a session.
 *
 * It has to outlive the updates that were under way when it was made: those take microseconds, it stays for seconds.
 * Its sticky bit tells it from a directory that somebody else put there.
 */

const MODE = 0o1700
const STICKY = 0o1000

/** Whether what stands in a session's place is a tombstone. */
export function isTombstone(stats: Stats): boolean {
  // Windows keeps no such bit; there every directory counts, and `rmdir` spares those that hold anything.
  return stats.isDirectory() && ((stats.mode & STICKY) !== 0 || process.platform === 'win32')
}

/** Removes the tombstone of a place; false when there is none. */
export function exhume(file: string): boolean {
  const outcome = removeDirectory(file)
  if (outcome !== 'occupied') return outcome === 'removed'
  return removeLateSaves(file) && removeDirectory(file) === 'removed'
}

function removeDirectory(file: string): 'removed' | 'occupied' | 'none' {
  try {
    rmdirSync(file)
    return 'removed'
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return 'none'
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return 'occupied'
    throw error
  }
}

/** Django's temporary names: what follows is up to Python. */
const LATE_SAVE = /^[A-Za-z0-9_-]+_out_[a-z0-9_]+$/

/**
 * Django moves a save into place as `mv` does: into what it finds to be a directory. There the save of a session that
 * has been deleted meanwhile is as good as undone. False when there is anything else: then it is no tombstone; and when
 * somebody else has removed it first, and perhaps put a session there.
 */
function removeLateSaves(file: string): boolean {
  try {
    const names = readdirSync(file)
    if (!names.every((name) => LATE_SAVE.test(name))) return false
    for (const name of names) unlinkIfPresent(`${file}/${name}`)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

/** `occupied`: something has been put there meanwhile. `impossible`: no room for a directory. */
export function makeTombstone(file: string): 'made' | 'occupied' | 'impossible' {
  try {
    mkdirSync(file, MODE)
    // Only Linux is known to take the sticky bit with mkdir.
    if (process.platform !== 'linux') chmodSync(file, MODE)
    return 'made'
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'occupied'
    // A full disk must not keep anybody from logging out: the session goes, only its tombstone does not come.
    return 'impossible'
  }
}
