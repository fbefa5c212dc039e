import { opendir } from 'node:fs/promises'

/** Entries read at a time. */
const BUFFERED = 256

/** The entries of a directory, streamed: a million names are never in memory at once. */
export async function* listDirectory(
  directory: string,
): AsyncGenerator<{ readonly name: string; readonly isFile: boolean }, void, undefined> {
  // Closes the directory also where the caller breaks off.
  for await (const entry of await opendir(directory, { bufferSize: BUFFERED })) {
    yield { name: entry.name, isFile: entry.isFile() }
  }
}
