import { closeSync, constants, fsyncSync, openSync } from 'node:fs'

/** Makes a directory's entries survive a power cut. */
export function syncDirectory(directory: string): void {
  // Windows has no handle to sync a directory by; its file systems journal renames themselves.
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0))
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
