import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipWhere } from '../skip.js'
import { programMissing } from './missing.js'

const order = suite('the order of a batch under fsync')

const SLOTS = 21
const CHILD = fileURLToPath(new URL('./sync-child.js', import.meta.url))

/** What the child did to the session directory between its two marks, a word for each call. */
function traced(directory: string, layout: string): { readonly kind: string; readonly path: string }[] {
  const log = `${temporaryDirectory()}/trace`
  const calls = 'trace=pwrite64,write,fsync,fdatasync,rename,renameat,renameat2'
  const run = spawnSync('strace', [
    '-f',
    '-qq',
    '-y',
    '-o',
    log,
    '-e',
    calls,
    process.execPath,
    CHILD,
    directory,
    layout,
  ])
  assert.is(run.status, 0, String(run.stderr))
  const lines = readFileSync(log, 'utf8').split('\n')
  const from = lines.findIndex((line) => line.includes('BATCH'))
  const to = lines.findIndex((line) => line.includes('APPLIED'))
  return lines.slice(from + 1, to).flatMap((line) => {
    const match = /^\d+ +(\w+)\((?:\d+<([^>]*)>)?/.exec(line)
    if (!line.includes(directory) || match === null) return []
    const [, call = '', path = ''] = match
    if (call.startsWith('rename')) return [{ kind: 'rename', path: '' }]
    if (call.includes('write')) return [{ kind: 'write', path }]
    return [{ kind: path.endsWith('.tmp') ? 'sync file' : 'sync directory', path }]
  })
}

for (const layout of ['flat', 'sharded']) {
  skipWhere(programMissing('strace', '-o', '/dev/null', 'true'))(
    order,
    `write all, sync all, rename all, sync each directory once (${layout})`,
    () => {
      const directory = temporaryDirectory()
      const steps = traced(directory, layout)
      const kinds = steps.map(({ kind }) => kind)
      const directories = steps.filter(({ kind }) => kind === 'sync directory').map(({ path }) => path)
      assert.is(new Set(directories).size, directories.length, 'each directory once')
      const expected = [
        ...new Array<string>(SLOTS).fill('write'),
        ...new Array<string>(SLOTS).fill('sync file'),
        ...new Array<string>(SLOTS).fill('rename'),
        ...new Array<string>(directories.length).fill('sync directory'),
      ]
      assert.equal(kinds, expected)
      assert.ok(directories.includes(directory), 'a new shard is an entry of the root')
      if (layout === 'flat') assert.equal(directories, [directory])
    },
  )
}

order.run()
