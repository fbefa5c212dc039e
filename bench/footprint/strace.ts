import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { countCalls, type Footprint } from './count-calls.js'
import type { FootprintRequest } from './request.js'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('./child.js', import.meta.url))
/** Of a file by its name, and of one that is open; the kernel need not stop the process for others. */
const CALLS = [
  ...['open', 'openat', 'creat', 'rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat'],
  ...[
    'stat',
    'lstat',
    'newfstatat',
    'statx',
    'access',
    'faccessat',
    'faccessat2',
    'mkdir',
    'mkdirat',
    'rmdir',
  ],
  ...['utimensat', 'fstat', 'close', 'read', 'pread64', 'preadv', 'write', 'pwrite64', 'writev', 'pwritev'],
  ...[
    'fsync',
    'fdatasync',
    'sync_file_range',
    'msync',
    'ftruncate',
    'truncate',
    'fchmod',
    'chmod',
    'fchown',
    'chown',
  ],
]

/** Whether system calls can be watched here. */
export function hasStrace(): boolean {
  return spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0
}

/** What a save of a store comes to in system calls on files. */
export async function footprintOf(request: FootprintRequest): Promise<Footprint> {
  const log = `${request.directory}.strace`
  const watched = CALLS.map((call) => `?${call}`).join(',')
  const options = [
    '-f',
    '-y',
    '-qq',
    '--seccomp-bpf',
    '-e',
    `trace=${watched}`,
    '-e',
    'signal=none',
    '-s',
    '0',
    '-o',
    log,
  ]
  try {
    await run('strace', [...options, process.execPath, CHILD, JSON.stringify(request)])
    return countCalls(readFileSync(log, 'latin1'))
  } finally {
    rmSync(log, { force: true })
  }
}
