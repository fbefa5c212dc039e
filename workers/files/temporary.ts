import { closeSync, existsSync, fsyncSync, futimesSync, mkdirSync, openSync } from 'node:fs'
import { hasCode, type Opcode } from '../protocol/index.js'
import { closeAnyway } from './close.js'
import type { Layout, Place } from './layout.js'
import { openDirectory, refuseLink } from './open-directory.js'
import { NEW_FILE_FLAGS } from './open-flags.js'
import type { ComposedVersion, WriteOpcode } from './record-format.js'
import { rooted } from './rooted.js'
import { unlinkAnyway } from './unlink.js'
import { writeFully } from './write-fully.js'

/** One version of one session, ready to be put in its place. */
export type Version = ComposedVersion<Place, Exclude<WriteOpcode, typeof Opcode.REPLACE>> | Replacement

/** One that takes the place of another one, and of no other. */
export interface Replacement extends ComposedVersion<Place, typeof Opcode.REPLACE> {
  /** What has to be stored still. */
  readonly replaces: Replaced
}

/** The version of a session that another one is to take the place of. */
export interface Replaced {
  readonly key: string
  /** Of its payload; see `payloadDigest`. */
  readonly digest: Uint8Array
}

/** A record that is complete on disk under a temporary name. */
export interface Beside {
  readonly temporary: string
  readonly descriptor: number
}

/** A version that is. */
export interface Written extends Beside {
  readonly version: Version
}

/** Writes a version, whole, to a temporary file beside its session's. The caller closes the descriptor. */
export function writeTemporary(layout: Layout, version: Version): Written {
  const { temporary, descriptor } = writeBeside(layout, version.place.directory, version)
  return { version, temporary, descriptor }
}

/** The same for a record that is not of a batch. */
export function writeBeside(
  layout: Layout,
  directory: string,
  { bytes, start, end, fileTime }: Pick<ComposedVersion, 'bytes' | 'start' | 'end' | 'fileTime'>,
): Beside {
  const temporary = layout.temporary(directory)
  const descriptor = openTemporary(layout, temporary, directory)
  try {
    writeFully(descriptor, bytes, { start, end, position: 0 })
    futimesSync(descriptor, fileTime / 1000, fileTime / 1000)
    return { temporary, descriptor }
  } catch (error) {
    closeAnyway(descriptor)
    unlinkAnyway(temporary)
    throw error
  }
}

/** Puts a temporary file's bytes on the disk; on failure it is removed. */
export function syncWritten(written: Beside): void {
  orRemove(written, fsyncSync)
}

/** Closes a temporary file; on failure it is removed. */
export function closeWritten(written: Beside): void {
  orRemove(written, closeSync)
}

/** After a failure it is unknown what the file holds. */
function orRemove({ temporary, descriptor }: Beside, step: (descriptor: number) => void): void {
  try {
    step(descriptor)
  } catch (error) {
    unlinkAnyway(temporary)
    throw error
  }
}

function openTemporary(layout: Layout, temporary: string, directory: string): number {
  try {
    return openSync(temporary, NEW_FILE_FLAGS, 0o600)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || !makeDirectory(layout, directory)) throw error
    return openSync(temporary, NEW_FILE_FLAGS, 0o600)
  }
}

/**
 * Directories of the sharded layout are made when the first session comes, and the session directory itself anew when it
 * has been removed; false when that must not be: an engine with a journal owned what is gone, and somebody else may own
 * what is made in its place.
 */
function makeDirectory(layout: Layout, directory: string): boolean {
  if (!existsSync(layout.root)) {
    if (layout.exclusive) return false
    openDirectory(layout.root)
  }
  if (layout.sharded) makeShard(directory)
  return true
}

function makeShard(directory: string): void {
  try {
    mkdirSync(directory, 0o700)
    rooted.delete(directory)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    // A link that leads nowhere has sent us here, or somebody else has just made it.
    refuseLink(directory)
  }
}
