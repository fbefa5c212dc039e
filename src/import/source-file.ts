import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { errorCode, hasCode } from '../../workers/protocol/index.js'
import type { Finding, Reading } from './source.js'

/** A file of a source as it stood at one moment. */
export interface SourceFile {
  readonly bytes: Buffer
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

/** Reading only; never through a link, and never waiting for whoever writes to a FIFO. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Reads a file and has `interpret` say what it holds. What the system refuses is told by the reading, too: one bad file
 * must not stop the others.
 *
 * @param mostBytes past them, a file is no session
 */
export async function readSourceFile(
  path: string,
  mostBytes: number,
  interpret: (file: SourceFile) => Finding | Promise<Finding>,
): Promise<Reading> {
  let handle: FileHandle
  try {
    handle = await open(path, FLAGS)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { state: 'gone', inode: 0 }
    const found = await lstat(path).catch(() => undefined)
    return refused(error, found?.ino ?? 0)
  }
  let inode = 0
  let file: SourceFile
  try {
    const { size, ino, mtimeMs } = await handle.stat()
    inode = ino
    if (size > mostBytes) return { state: 'unreadable', reason: 'is too large', inode }
    file = { bytes: await readUpTo(handle, size), modifiedAt: mtimeMs }
  } catch (error) {
    return refused(error, inode)
  } finally {
    await handle.close()
  }
  return { ...(await interpret(file)), inode }
}

async function readUpTo(handle: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await handle.read(bytes, length, size - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

/** The system's code alone: its message would show the path, and with it the session key. */
function refused(error: unknown, inode: number): Reading {
  return { state: 'unreadable', reason: `cannot be read (${errorCode(error) ?? 'UNKNOWN'})`, inode }
}
