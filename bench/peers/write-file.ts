import { rename, writeFile } from 'node:fs/promises'
import type { WriteFile } from './json-files.js'

/** `fs.promises` by hand: a temporary file, and a rename. Nothing is synced. */
export async function byHand(): Promise<WriteFile> {
  let next = 0
  return async (file, content) => {
    const temporary = `${file}.${next++}.tmp`
    await writeFile(temporary, content, { mode: 0o600 })
    await rename(temporary, file)
  }
}

/** The `write-file-atomic` package, which does the same, and syncs unless it is told not to. */
export function writeFileAtomic(fsync: boolean): () => Promise<WriteFile> {
  return async () => {
    const { default: write } = await import('write-file-atomic')
    return (file, content) => write(file, content, { fsync, mode: 0o600 })
  }
}
