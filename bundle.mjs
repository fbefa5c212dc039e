import { rmSync } from 'node:fs'
import { build } from 'esbuild'

/*
 * Puts the modules of a worker thread into few files, in the place of those that tsc has made of its entries: a thread
 * that imports dozens takes longer to start. The single modules stay beside them. Coverage is measured without: one
 * source in two files of JavaScript cannot be counted as one.
 */

/** What Piscina and the workers of every engine import. */
const ENTRIES = [
  'workers/worker.ts',
  'workers/files/index.ts',
  'workers/files/formatted.ts',
  'workers/files/journal/index.ts',
]

/** What some import besides. By itself: the more entries share, the more files it takes. */
const APART = ['workers/files/django/index.ts', 'workers/redis/index.ts']

const OPTIONS = {
  outbase: '.',
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
}

/** Named by their content: those of the build before would stay, and be packed. */
const SHARED = 'workers/shared'
rmSync(`dist/${SHARED}`, { recursive: true, force: true })

await build({ ...OPTIONS, entryPoints: ENTRIES, splitting: true, chunkNames: `${SHARED}/[hash]` })
await build({ ...OPTIONS, entryPoints: APART })
