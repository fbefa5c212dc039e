import { rmSync } from 'node:fs'
import { type FilesOptions, files, type SealOptions } from 'coatcheck'
import { django } from 'coatcheck/django'
import { FULL } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { registerStorageConformance } from './storage-conformance.js'

const VARIANTS: readonly (Omit<FilesOptions, 'directory'> & {
  readonly threads: number
  readonly sealed?: boolean
  /** What it has is in others, too: only the full budget tries it alone. */
  readonly spared?: boolean
})[] = [
  { threads: 2 },
  { threads: 1, layout: 'flat', prefix: 'sessionid' },
  { threads: 2, layout: 'flat', spared: true },
  { threads: 2, fsync: true, spared: true },
  { threads: 1, hashNames: true, sealed: true },
  { threads: 2, layout: 'flat', hashNames: true, fsync: true },
  { threads: 2, durability: 'journal' },
  { threads: 2, durability: 'journal', fsync: true, spared: true },
  // So that most of what is asked for has just gone, or is just going, from the journal to its file.
  { threads: 2, durability: 'journal', checkpointInterval: 0.01, spared: true },
  { threads: 2, durability: 'journal', checkpointInterval: 0.01, fsync: true, layout: 'flat' },
  { threads: 1, durability: 'journal', checkpointInterval: 0.01, hashNames: true, sealed: true },
]

const SEAL: SealOptions = {
  keys: ['a newest key, as long as it has to be', 'an older key, as long as it has to be'],
}

for (const { threads, sealed = false, spared = false, ...options } of VARIANTS) {
  if (spared && !FULL) continue
  registerStorageConformance({
    name: `files ${JSON.stringify(options)}, ${threads} threads${sealed ? ', sealed' : ''}`,
    threads,
    shared: options.durability !== 'journal',
    anyKeys: true,
    ...(sealed ? { seal: SEAL } : {}),
    makeStorage() {
      const directory = temporaryDirectory(options.fsync === true ? 'disk' : 'memory')
      return {
        storage: files({ ...options, directory }),
        cleanup: () => rmSync(directory, { recursive: true, force: true }),
      }
    },
  })
}

registerStorageConformance({
  name: 'files as Django has them, 2 threads',
  threads: 2,
  shared: true,
  anyKeys: false,
  codec: django({ secretKey: 'secret' }),
  makeStorage() {
    const directory = temporaryDirectory('memory')
    return {
      storage: files({ directory, layout: 'flat', prefix: 'sessionid' }),
      cleanup: () => rmSync(directory, { recursive: true, force: true }),
    }
  },
})
