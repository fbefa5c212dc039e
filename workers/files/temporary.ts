import { constants, existsSync, fsyncSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { hasCode, systemError } from '../protocol/index.js'
import { closeAnyway } from './close.js'
import type { Layout, Place } from './layout.js'
import { openDirectory, refuseLink } from './open-directory.js'
import type { ComposedVersion } from './record-format.js'
import { rooted } from './rooted.js'
import { unlinkAnyway } from './unlink.js'

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

/** One version of one session, ready to be put in its place. */
export interface Version extends ComposedVersion<Place> {
  /** `REPLACE`: what has to be stored still. */
  readonly replaces?: Replaced
}

/** The version of a session that another one is to take the place of, and of no other. */
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
    writeFully(descriptor, bytes, start, end)
    futimesSync(descriptor, fileTime / 1000, fileTime / 1000)
    return { temporary, descriptor }
  } catch (error) {
    closeAnyway(descriptor)
    unlinkAnyway(temporary)
    throw error
  }
}

/** Puts a temporary file's bytes on the disk; on failure it is removed, for what it holds is unknown. */
export function syncWritten(written: Written): void {
  try {
    fsyncSync(written.descriptor)
  } catch (error) {
    unlinkAnyway(written.temporary)
    throw error
  }
}

function openTemporary(layout: Layout, temporary: string, directory: string): number {
  try {
    return openSync(temporary, CREATE_FLAGS, 0o600)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || !makeDirectory(layout, directory)) throw error
    return openSync(temporary, CREATE_FLAGS, 0o600)
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

/** A short write is continued; one that makes no progress is an error, never a truncated record. */
export function writeFully(
  descriptor: number,
  bytes: Buffer,
  start: number,
  end: number,
  write: (descriptor: number, bytes: Buffer, offset: number, length: number) => number = writeSync,
): void {
  let offset = start
  while (offset < end) {
    const count = write(descriptor, bytes, offset, end - offset)
    if (count <= 0) throw systemError('EIO', 'write', 'the disk takes no more bytes')
    offset += count
  }
}
