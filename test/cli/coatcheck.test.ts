import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FilesOptions, files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { coatcheck, jsonLines, PACKAGE, SCRIPT } from './run-coatcheck.js'

const test = suite('command line')

/** A directory with three live sessions and two expired ones. */
async function directoryWithSessions(options: Partial<FilesOptions> = {}): Promise<string> {
  const directory = temporaryDirectory()
  const storage = files({ directory, ...options })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  for (const key of ['a', 'b', 'c']) await engine.save(key, {})
  for (const key of ['d', 'e']) await engine.save(key, {}, { expires: new Date(Date.now() - 1000) })
  await engine.close()
  return directory
}

test('clear-expired removes expired sessions and prints counts', async () => {
  const directory = await directoryWithSessions()
  const { status, stdout, stderr } = await coatcheck('clear-expired', directory)
  assert.match(stdout, /^\d+ scanned, 2 expired, 0 orphans, 0 corrupt\n$/)
  assert.equal({ status, stderr }, { status: 0, stderr: '' })
  const again = await coatcheck('clear-expired', directory, '--json')
  assert.equal(jsonLines(again.stdout), [{ scanned: 3, expired: 0, orphans: 0, corrupt: 0 }])
})

test('the layout shows, or is as it is said; the prefix has to be said', async () => {
  const directory = await directoryWithSessions({ layout: 'flat', prefix: 'shop' })
  const said: readonly (readonly [options: string[], count: string])[] = [
    [['--prefix', 'shop'], '3\n'],
    [['--prefix', 'shop', '--layout', 'sharded'], '0\n'],
  ]
  await Promise.all(
    said.map(async ([options, stdout]) => {
      assert.equal(await coatcheck('count', directory, ...options), { status: 0, stdout, stderr: '' })
    }),
  )
  assert.match((await coatcheck('clear-expired', directory, '--prefix', 'shop')).stdout, /, 2 expired,/)
})

/** A journal with 300 sessions that are in no file, as a crash leaves it. */
async function directoryWithJournal(): Promise<string> {
  const directory = temporaryDirectory()
  const storage = files({ directory, durability: 'journal', checkpointInterval: 3600 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  await Promise.all(Array.from({ length: 300 }, (_, index) => engine.save(`key-${index}`, {})))
  await rejection(engine.close({ timeout: 0 }), StorageError)
  return directory
}

test('recover brings to files what a crash has left in a journal', async () => {
  const directory = await directoryWithJournal()
  assert.equal(await coatcheck('recover', directory), {
    status: 0,
    stdout: '300 operations read back from the journal, 0 damaged parts kept aside\n',
    stderr: '',
  })
  assert.not(existsSync(join(directory, '.journal')))
  const count = await coatcheck('count', directory, '--json')
  assert.equal(jsonLines(count.stdout), [{ count: 300 }])
})

test('a damaged journal is told of by exit codes; recover keeps the damage aside', async () => {
  const directory = await directoryWithJournal()
  const journal = join(directory, '.journal')
  const segment = readdirSync(journal).find((name) => name.endsWith('.log')) ?? ''
  const bytes = readFileSync(join(journal, segment))
  bytes[100] = (bytes[100] ?? 0) ^ 1
  writeFileSync(join(journal, segment), bytes)
  const [verify, count] = await Promise.all([coatcheck('verify', directory), coatcheck('count', directory)])
  assert.match(
    verify.stdout,
    new RegExp(`^corrupt\t\\.journal/${segment}\ta segment of the journal is damaged`),
  )
  assert.is(verify.status, 1)
  // What it prints cannot be the whole.
  assert.is(count.status, 1)
  assert.match(count.stderr, /^error: a part of the journal is damaged/)
  assert.equal(readFileSync(join(journal, segment)), bytes)
  const { status, stdout } = await coatcheck('recover', directory)
  assert.is(status, 1)
  assert.match(stdout, /^\d+ operations read back from the journal, 1 damaged parts kept aside\n$/)
  const [kept, ...others] = readdirSync(journal)
  assert.ok(kept?.startsWith(segment) && kept.endsWith('.damaged'))
  assert.equal(others, [])
})

test('a directory that is not there is a mistake, and is not made', async () => {
  const missing = join(temporaryDirectory(), 'missing')
  const { status, stdout, stderr } = await coatcheck('recover', missing)
  assert.equal({ status, stdout }, { status: 2, stdout: '' })
  assert.match(stderr, /^error: there is no directory .*missing\n$/)
  assert.not(existsSync(missing))
})

test('a file in place of the directory is a mistake, and stays', async () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, 'content')
  const directory = temporaryDirectory()
  const commands = [
    ['clear-expired', file],
    ['count', file],
    ['import', 'session-file-store', file, directory],
    ['import', 'session-file-store', directory, file],
  ]
  for (const { status, stderr } of await Promise.all(commands.map((values) => coatcheck(...values)))) {
    assert.match(stderr, /^error: .*file is no directory\n$/)
    assert.is(status, 2)
  }
  assert.is(readFileSync(file, 'utf8'), 'content')
})

test('wrong usage has an exit code of its own', async () => {
  const directory = temporaryDirectory()
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['count'], /missing required argument 'directory'/],
    [['show', directory], /missing required argument 'key'/],
    [['show', directory, 'x'.repeat(257)], /a session key is a string of 1 to 256 characters/],
    [['list', directory, '--colour'], /unknown option '--colour'/],
    [['verify', directory, '--prefix', '../x'], /option "prefix" is '\.\.\/x'; expected 0 to 64 characters/],
    [['sweep', directory], /unknown command 'sweep'/],
    [[], /Usage: coatcheck/],
  ]
  await Promise.all(
    wrong.map(async ([values, message]) => {
      const { status, stdout, stderr } = await coatcheck(...values)
      assert.match(stderr, message)
      assert.equal({ status, stdout }, { status: 2, stdout: '' }, values.join(' '))
    }),
  )
})

test('help and version are asked for, and no mistake; help tells the exit codes', async () => {
  const [help, ofCommand, version] = await Promise.all([
    coatcheck('--help'),
    coatcheck('verify', '--help'),
    coatcheck('--version'),
  ])
  assert.equal([help.status, ofCommand.status], [0, 0])
  assert.match(
    help.stdout,
    /count[\s\S]*list[\s\S]*show[\s\S]*stats[\s\S]*verify[\s\S]*clear-expired[\s\S]*recover/,
  )
  for (const { stdout } of [help, ofCommand])
    assert.match(stdout, /Exit codes: 0 done, 1 failed .* 2 wrong usage/)
  assert.equal(version, { status: 0, stdout: `${PACKAGE.version}\n`, stderr: '' })
})

test('the script can be executed as it is', () => {
  assert.match(readFileSync(SCRIPT, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  assert.ok(statSync(SCRIPT).isFile())
})

test.run()
