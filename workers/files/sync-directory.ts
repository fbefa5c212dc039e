import { closeSync, fsyncSync, openSync } from 'node:fs'
import { DIRECTORY_FLAGS } from './open-flags.js'

/** Makes a directory's entries survive a power cut. */
export function syncDirectory(directory: string): void {
  // Windows has no handle to sync a directory by; its file systems journal renames themselves.
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, DIRECTORY_FLAGS)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
