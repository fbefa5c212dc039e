import { type FilesOptions, files, type StorageDescription } from 'coatcheck'
import type { MortalOptions } from './mortal-worker.js'

/** How long the workers of {@link mortalFiles} live, in file system calls. */
export interface Lives {
  readonly files: number
  readonly journal: number
}

/** A files storage, with or without a journal, whose workers die now and then; `log` grows by a byte with each death. */
export function mortalFiles(options: FilesOptions, lives: Lives, log: string): StorageDescription {
  const storage = files(options)
  const module = new URL('mortal-worker.js', import.meta.url).href
  const mortal = (real: StorageDescription['journal'] & object, shortestLife: number): MortalOptions => ({
    real: { module: real.module, options: real.options },
    shortestLife,
    log,
  })
  const { journal } = storage
  const ahead = journal?.role === 'ahead'
  return {
    ...storage,
    module,
    options: {
      real: { module: storage.module, options: storage.options },
      shortestLife: lives.files,
      log,
    } satisfies MortalOptions,
    ...(journal && ahead && { journal: { ...journal, module, options: mortal(journal, lives.journal) } }),
  }
}
