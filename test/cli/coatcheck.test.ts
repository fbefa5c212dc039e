import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FilesOptions, files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const test = suite('command line')
const PACKAGE = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string
  bin: { coatcheck: string }
}
const SCRIPT = fileURLToPath(new URL(`../../../${PACKAGE.bin.coatcheck}`, import.meta.url))

function coatcheck(...values: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...values], { encoding: 'utf8' })
  assert.not.match(stderr, /\n {4}at /, 'no stack')
  return { status, stdout, stderr }
}

/** A directory with three live sessions and two expired ones. */
async function directoryWithSessions(options: Partial<FilesOptions> = {}): Promise<string> {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ storage: files({ directory, ...options }), sweepInterval: false })
  for (const key of ['a', 'b', 'c']) await engine.save(key, {})
  for (const key of ['d', 'e']) await engine.save(key, {}, { expires: new Date(Date.now() - 1000) })
  await engine.close()
  return directory
}

test('count prints the number of live sessions', async () => {
  assert.equal(coatcheck('count', await directoryWithSessions()), { status: 0, stdout: '3\n', stderr: '' })
})

test('clear-expired removes expired sessions and prints counts', async () => {
  const directory = await directoryWithSessions()
  const { status, stdout, stderr } = coatcheck('clear-expired', directory)
  assert.match(stdout, /^\d+ scanned, 2 expired, 0 orphans, 0 corrupt\n$/)
  assert.equal({ status, stderr }, { status: 0, stderr: '' })
  assert.match(coatcheck('clear-expired', directory).stdout, /, 0 expired,/)
  assert.is(coatcheck('count', directory).stdout, '3\n')
})

test('--layout and --prefix find what was stored with them', async () => {
  const directory = await directoryWithSessions({ layout: 'flat', prefix: 'shop' })
  assert.is(coatcheck('count', directory, '--layout', 'flat', '--prefix', 'shop').stdout, '3\n')
  assert.is(coatcheck('count', directory, '--layout', 'flat', '--prefix', 'other').stdout, '0\n')
  assert.is(coatcheck('count', directory).stdout, '0\n')
  const swept = coatcheck('clear-expired', directory, '--layout', 'flat', '--prefix', 'shop')
  assert.match(swept.stdout, /, 2 expired,/)
})

test('--hash-names counts sessions whose names are digests', async () => {
  const directory = await directoryWithSessions({ hashNames: true })
  assert.is(coatcheck('count', directory, '--hash-names').stdout, '3\n')
})

/** A journal with 300 sessions that are in no file, as a crash leaves it. */
async function directoryWithJournal(): Promise<string> {
  const directory = temporaryDirectory()
  const storage = files({ directory, durability: 'journal', checkpointInterval: 3600 })
  const engine = new SessionEngine({ storage, sweepInterval: false })
  await Promise.all(Array.from({ length: 300 }, (_, index) => engine.save(`key-${index}`, {})))
  await rejection(engine.close({ timeout: 0 }), StorageError)
  return directory
}

test('recover brings to files what a crash has left in a journal', async () => {
  const directory = await directoryWithJournal()
  assert.equal(coatcheck('recover', directory), {
    status: 0,
    stdout: '300 operations read back from the journal, 0 damaged parts kept aside\n',
    stderr: '',
  })
  assert.not(existsSync(join(directory, '.journal')))
  assert.match(coatcheck('recover', directory).stdout, /^0 operations/)
  assert.is(coatcheck('count', directory).stdout, '300\n')
})

test('recover tells of damage by its exit code, and keeps it aside', async () => {
  const directory = await directoryWithJournal()
  const journal = join(directory, '.journal')
  const segment = readdirSync(journal).find((name) => name.endsWith('.log')) ?? ''
  const bytes = readFileSync(join(journal, segment))
  bytes[100] = (bytes[100] ?? 0) ^ 1
  writeFileSync(join(journal, segment), bytes)
  const { status, stdout } = coatcheck('recover', directory)
  assert.is(status, 1)
  assert.match(stdout, /^\d+ operations read back from the journal, 1 damaged parts kept aside\n$/)
  const [kept, ...others] = readdirSync(journal)
  assert.ok(kept?.startsWith(segment) && kept.endsWith('.damaged'))
  assert.equal(others, [])
})

test('no command works on a directory whose owner lives', async () => {
  const directory = temporaryDirectory()
  const engine = new SessionEngine({ storage: files({ directory, durability: 'journal' }) })
  await engine.save('a', {})
  for (const command of ['count', 'recover', 'clear-expired']) {
    const { status, stderr } = coatcheck(command, directory)
    assert.is(status, 1)
    assert.match(
      stderr,
      new RegExp(`^error: the session directory belongs to the engine of process ${process.pid}`),
    )
  }
  await engine.close()
})

test('a directory that is not there is a failure, and is not made', () => {
  const missing = join(temporaryDirectory(), 'missing')
  const { status, stdout, stderr } = coatcheck('count', missing)
  assert.equal({ status, stdout }, { status: 1, stdout: '' })
  assert.match(stderr, /^error: there is no directory .*missing\n$/)
  assert.not(existsSync(missing))
})

test('a file in place of the directory is a failure', () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, 'content')
  const { status, stderr } = coatcheck('clear-expired', file)
  assert.is(status, 1)
  assert.match(stderr, /^error: .*not a directory/)
  assert.is(readFileSync(file, 'utf8'), 'content')
})

test('wrong usage has an exit code of its own', async () => {
  const directory = await directoryWithSessions()
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['count'], /missing required argument 'directory'/],
    [['count', directory, 'more'], /too many arguments/],
    [['count', directory, '--colour'], /unknown option '--colour'/],
    [['count', directory, '--layout', 'round'], /Allowed choices are sharded, flat/],
    [['count', directory, '--prefix', '../x'], /option "prefix" is '\.\.\/x'; expected 0 to 64 characters/],
    [['sweep', directory], /unknown command 'sweep'/],
    [[], /Usage: coatcheck/],
  ]
  for (const [values, message] of wrong) {
    const { status, stdout, stderr } = coatcheck(...values)
    assert.match(stderr, message)
    assert.equal({ status, stdout }, { status: 2, stdout: '' }, values.join(' '))
  }
})

test('help and version are asked for, and no mistake', () => {
  const help = coatcheck('--help')
  assert.is(help.status, 0)
  assert.match(help.stdout, /clear-expired[\s\S]*count/)
  assert.equal(coatcheck('--version'), { status: 0, stdout: `${PACKAGE.version}\n`, stderr: '' })
})

test('the script can be executed as it is', () => {
  assert.match(readFileSync(SCRIPT, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  assert.ok(statSync(SCRIPT).isFile())
})

test.run()
