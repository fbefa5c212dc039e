import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { SCRIPT } from './run-coatcheck.js'

/*
 * A journal of an engine with fsync, as a crash leaves it. What it had acknowledged survives a power cut; so it has to when
 * a command has brought it to files.
 */

const test = suite('command line: a journal that was left behind')
const onLinux = skipUnless(process.platform === 'linux', 'names descriptors by /proc')

const WATCH = new URL('watch-syncs.js', import.meta.url).href
const KEYS = ['a', 'b', 'c']

async function crashed(): Promise<string> {
  const directory = temporaryDirectory()
  const storage = files({ directory, durability: 'journal', fsync: true, checkpointInterval: 3600 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  await Promise.all(KEYS.map((key) => engine.save(key, {})))
  await rejection(engine.close({ timeout: 0 }), StorageError)
  assert.ok(existsSync(join(directory, '.journal')))
  return directory
}

const COMMANDS: Readonly<Record<string, (directory: string) => string[]>> = {
  recover: (directory) => ['recover', directory],
  'clear-expired': (directory) => ['clear-expired', directory],
  import(directory) {
    const from = join(temporaryDirectory(), 'from')
    mkdirSync(from)
    return ['import', 'session-file-store', from, directory]
  },
}

for (const [name, valuesFor] of Object.entries(COMMANDS)) {
  onLinux(test, `${name} has every session on the disk before a part of the journal goes`, async () => {
    const directory = await crashed()
    const ledger = join(temporaryDirectory(), 'ledger')
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', WATCH, SCRIPT, ...valuesFor(directory)],
      {
        encoding: 'utf8',
        env: { ...process.env, WATCHED: ledger },
      },
    )
    assert.equal({ status, stderr }, { status: 0, stderr: '' })
    const calls = readFileSync(ledger, 'utf8').split('\n')
    const segmentGoes = calls.findIndex((call) => /^unlink .*\.log$/.test(call))
    assert.ok(segmentGoes > 0, 'a segment is unlinked')
    const synced = calls.slice(0, segmentGoes).filter((call) => call.startsWith('sync '))
    assert.is(synced.filter((call) => call.endsWith('.tmp')).length, KEYS.length, synced.join('\n'))
    const shards = synced.filter((call) => /\/[0-9a-f]{2}$/.test(call))
    assert.ok(shards.length > 0, 'and the directories that they were renamed in')
  })
}

test.run()
