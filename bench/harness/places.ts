import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Cleanup } from './cleanup.js'

/** A file system to measure on. */
export interface Place {
  /** `tmpfs` or `disk`. */
  readonly name: 'tmpfs' | 'disk'
  /** What it is, for the reader. */
  readonly fileSystem: string
  /** Our own folder there. */
  readonly directory: string
}

const TMPFS = 0x01021994
const SHARED_MEMORY = '/dev/shm'

/** By `statfs` type; ext2, ext3 and ext4 share one. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [TMPFS, 'tmpfs'],
  [0xef53, 'ext4 (or 2, 3)'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0x794c7630, 'overlayfs'],
  [0x6969, 'nfs'],
  [0x1a, 'apfs'],
  [0x01021997, '9p'],
])

/** The places that this machine has: a tmpfs, if there is one, and the file system of a directory. */
export function findPlaces(directory: string | undefined, cleanup: Cleanup): Place[] {
  const places: Place[] = []
  if (typeOf(SHARED_MEMORY) === TMPFS) places.push(makePlace('tmpfs', SHARED_MEMORY, cleanup))
  places.push(makePlace('disk', diskParent(directory), cleanup))
  return places
}

/** The given directory; else the temporary one where that is on the current file system, else the current one. */
function diskParent(directory: string | undefined): string {
  if (directory !== undefined) return resolve(directory)
  return statSync(tmpdir()).dev === statSync('.').dev ? tmpdir() : resolve('.')
}

function makePlace(name: Place['name'], parent: string, cleanup: Cleanup): Place {
  const directory = mkdtempSync(join(parent, 'coatcheck-bench-'))
  cleanup.add(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
  const type = typeOf(directory) ?? 0
  return {
    name,
    directory,
    fileSystem: `${NAMES.get(type) ?? 'unknown'}, statfs type 0x${type.toString(16)}`,
  }
}

function typeOf(directory: string): number | undefined {
  try {
    return statfsSync(directory).type
  } catch {
    return undefined
  }
}
