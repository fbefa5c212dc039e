import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Cleanup } from './cleanup.js'
import { EXT4, type FileSystem, fileSystemOf, TMPFS } from './file-system.js'

/** A file system to measure on. */
export interface Place {
  readonly name: 'tmpfs' | 'disk'
  readonly fileSystem: FileSystem
  /** Our own folder there. */
  readonly directory: string
}

const SHARED_MEMORY = '/dev/shm'

/** Where it is measured. */
export interface Places {
  /** In memory; not everywhere. */
  readonly tmpfs: Place | undefined
  readonly disk: Place
}

/** The places that this machine has: a tmpfs, if there is one, and the file system of a directory. */
export function findPlaces(directory: string | undefined, cleanup: Cleanup): Places {
  const hasMemory = fileSystemOf(SHARED_MEMORY)?.type === TMPFS
  return {
    tmpfs: hasMemory ? makePlace('tmpfs', SHARED_MEMORY, cleanup) : undefined,
    disk: makePlace('disk', diskParent(directory), cleanup),
  }
}

/** Both of them, where there are two. */
export function allPlaces({ tmpfs, disk }: Places): Place[] {
  return tmpfs === undefined ? [disk] : [tmpfs, disk]
}

/** What a place is, in a line. */
export function describePlace({ name, fileSystem, directory }: Place): string {
  const { type, name: system, note } = fileSystem
  const line = `${name}: ${system} (statfs type 0x${type.toString(16)}), in ${directory}`
  return note === undefined ? line : `${line}. ${note}`
}

/** The given directory; else the temporary one where that is on the current file system, else the current one. */
function diskParent(directory: string | undefined): string {
  if (directory !== undefined) return resolve(directory)
  return statSync(tmpdir()).dev === statSync('.').dev ? tmpdir() : resolve('.')
}

function makePlace(name: Place['name'], parent: string, cleanup: Cleanup): Place {
  const directory = mkdtempSync(join(parent, 'coatcheck-bench-'))
  cleanup.add(() => removeTree(directory))
  const fileSystem = fileSystemOf(directory)
  if (fileSystem === undefined) throw new Error(`cannot tell the file system of ${directory}`)
  if (fileSystem.type === EXT4) spreadContestants(directory)
  return { name, directory, fileSystem }
}

/** By the system's own command, where there is one: Node takes minutes for a million files. */
function removeTree(directory: string): void {
  if (spawnSync('rm', ['-rf', '--', directory], { stdio: 'ignore' }).status === 0) return
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
}

/**
 * ext4 puts the files of neighbouring directories into the same block group, where contestants would pay for each
 * other's deleted files. This flag gives each directory made in this one a group of its own. Without `chattr`, so be it.
 */
function spreadContestants(directory: string): void {
  spawnSync('chattr', ['+T', directory], { stdio: 'ignore' })
}
