import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * Runs all tests under V8's coverage, the worker threads and child processes included, and fails where less than
 * 95 % of the branches of the engine or of the files storage are reached.
 */

const LEAST = 95
const MEASURED = ['dist/src/engine/**', 'dist/workers/files/**']

const runner = fileURLToPath(new URL('run.js', import.meta.url))
const c8 = join(dirname(createRequire(import.meta.url).resolve('c8/package.json')), 'bin', 'c8.js')
const options = [
  '--all=false',
  '--exclude-after-remap=false',
  ...MEASURED.flatMap((pattern) => ['--include', pattern]),
  '--reporter',
  'text',
  '--check-coverage',
  '--branches',
  String(LEAST),
]
const { status } = spawnSync(
  process.execPath,
  [c8, ...options, process.execPath, runner, ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
)
process.exitCode = status ?? 1
