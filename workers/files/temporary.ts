import { constants, fsyncSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { hasCode, systemError } from '../protocol/index.js'
import { closeAnyway } from './close.js'
import type { Layout, Place } from './layout.js'
import { refuseLink } from './open-directory.js'
import type { ComposedVersion } from './record-format.js'
import { unlinkIfPresent } from './unlink.js'

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

/** A version that is complete on disk under a temporary name. */
export interface Written {
  readonly version: Version
  readonly temporary: string
  readonly descriptor: number
}

/** Writes a version, whole, to a temporary file beside its session's. The caller closes the descriptor. */
export function writeTemporary(layout: Layout, version: Version): Written {
  const temporary = layout.temporary(version.place.directory)
  const descriptor = openTemporary(layout, temporary, version.place.directory)
  try {
    writeFully(descriptor, version.bytes, version.start, version.end)
    futimesSync(descriptor, version.fileTime / 1000, version.fileTime / 1000)
    return { version, temporary, descriptor }
  } catch (error) {
    closeAnyway(descriptor)
    unlinkIfPresent(temporary)
    throw error
  }
}

/** Puts a temporary file's bytes on the disk; on failure it is removed, for what it holds is unknown. */
export function syncWritten(written: Written): void {
  try {
    fsyncSync(written.descriptor)
  } catch (error) {
    unlinkIfPresent(written.temporary)
    throw error
  }
}

function openTemporary(layout: Layout, temporary: string, directory: string): number {
  try {
    return openSync(temporary, CREATE_FLAGS, 0o600)
  } catch (error) {
    if (!layout.sharded || !hasCode(error, 'ENOENT')) throw error
    makeDirectory(directory)
    return openSync(temporary, CREATE_FLAGS, 0o600)
  }
}

/** Directories of the sharded layout are made when the first session comes. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, 0o700)
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
