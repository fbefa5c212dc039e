import { execFile } from 'node:child_process'
import { rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Layout } from '#dist/workers/files/layout.js'
import { keyHash } from '#dist/workers/protocol/index.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { workerOptions } from '../workers/files/storage-driver.js'
import { coatcheck, jsonLines, type Outcome, SCRIPT } from './run-coatcheck.js'

const test = suite('command line: sealed sessions')

const OLD = 'sesamopen, the oldest of the keys'
const NEW = 'sesamopen, the newest of the keys'
const USER = 'Ünal'

const keyFiles = temporaryDirectory('memory')

function keyFile(name: string, ...lines: readonly string[]): string {
  const file = join(keyFiles, name)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

const newKeys = keyFile('new', NEW)
const bothKeys = keyFile('both', NEW, OLD)

/** A directory with two live sessions and an expired one, and one that is not sealed. */
async function sealedDirectory(): Promise<string> {
  const directory = temporaryDirectory('memory')
  const common = {
    storage: files({ directory, hashNames: false }),
    threads: 1,
    sweepInterval: false,
  } as const
  const engine = new SessionEngine({ ...common, seal: { keys: [OLD] } })
  await engine.save('live', { user: USER })
  await engine.save('L'.repeat(200), { user: USER })
  await engine.save('expired', {}, { expires: new Date(Date.now() - 1000) })
  await engine.close()
  const plain = new SessionEngine(common)
  await plain.save('plain', { user: USER })
  await plain.close()
  return directory
}

function discreet(...outcomes: readonly Outcome[]): void {
  for (const { stdout, stderr } of outcomes) assert.not.match(stdout + stderr, /sesamopen/)
}

test('without keys, headers are told of; what they do not tell says which keys are missing', async () => {
  const directory = await sealedDirectory()
  const [list, verify, show, strict] = await Promise.all([
    coatcheck('list', directory, '--json'),
    coatcheck('verify', directory),
    coatcheck('show', directory, 'live'),
    coatcheck('verify', directory, '--seal-keys', newKeys),
  ])
  const sizes = (jsonLines(list.stdout) as { key: string; bytes: number }[]).map(({ bytes }) => bytes)
  // As encoded: a seal adds nothing to what is told.
  assert.equal([sizes.length, new Set(sizes).size], [3, 1])
  assert.equal([list.status, verify.status], [0, 0])
  assert.match(
    verify.stdout,
    /^4 sessions are sound \(3 live, 1 expired, 3 sealed and not opened: see --seal-keys\), 0 corrupt/,
  )
  assert.is(show.status, 1)
  assert.match(show.stderr, /cannot be opened: it is sealed: seal.keys are needed.*--seal-keys/)
  assert.is(strict.status, 1)
  assert.is(strict.stdout.match(/^corrupt\t.*\tsealed by another key/gm)?.length, 3)
  assert.is(strict.stdout.match(/^corrupt\t.*\tnot sealed/gm)?.length, 1)
  discreet(list, verify, show, strict)
})

test('with keys, show opens what is sealed', async () => {
  const directory = await sealedDirectory()
  const [show, refused] = await Promise.all([
    coatcheck('show', directory, 'L'.repeat(200), '--seal-keys', bothKeys, '--json'),
    coatcheck('show', directory, 'plain', '--seal-keys', bothKeys),
  ])
  assert.equal((jsonLines(show.stdout)[0] as { session: unknown }).session, { user: USER })
  assert.is(refused.status, 1)
  assert.match(refused.stderr, /not sealed: read only with seal.acceptUnsealed; use .*--accept-unsealed/)
  discreet(show, refused)
})

test('clear-expired --reseal seals by the newest key, and says what it could not', async () => {
  const directory = await sealedDirectory()
  const none = await coatcheck('clear-expired', directory, '--reseal')
  assert.is(none.status, 2)
  assert.match(none.stderr, /keys to seal with are needed: use --seal-keys, or set COATCHECK_SEAL_KEYS/)
  process.env.COATCHECK_SEAL_KEYS = `${NEW}\n${OLD}\n`
  const first = await coatcheck('clear-expired', directory, '--reseal')
  delete process.env.COATCHECK_SEAL_KEYS
  assert.is(first.status, 1)
  assert.match(first.stdout, /, 1 expired, 0 orphans, 0 corrupt, 2 sealed anew, 1 refused\n$/)
  assert.match(first.stderr, /^note: 1 file is not sealed: read only with seal.acceptUnsealed; use /)
  const verify = await coatcheck('verify', directory, '--seal-keys', newKeys)
  assert.match(verify.stdout, /^2 sessions are sound \(2 live, 0 expired\), 1 corrupt/m)
  discreet(none, first, verify)
})

test('--reseal tells of all that it could not seal, and of nothing else when it is through', async () => {
  const directory = await sealedDirectory()
  const accepting = ['--reseal', '--seal-keys', bothKeys, '--accept-unsealed']
  const { file } = new Layout(workerOptions({ directory })).place('live', keyHash('live'))
  truncateSync(file, statSync(file).size - 1)
  const later = Date.now() / 1000 + 3600
  utimesSync(file, later, later)
  const first = await coatcheck('clear-expired', directory, ...accepting, '--json')
  assert.is(first.status, 1)
  assert.match(first.stderr, /^note: 1 file: not as long as it says\n$/)
  const [{ scanned: _all, ...counts }] = jsonLines(first.stdout) as [Record<string, number>]
  assert.equal(counts, { expired: 1, orphans: 0, corrupt: 0, resealed: 2, refused: 1 })
  rmSync(file)
  const last = await coatcheck('clear-expired', directory, ...accepting, '--json')
  assert.equal([last.status, last.stderr], [0, ''])
  assert.match(last.stdout, /"resealed":0,"refused":0/)
  discreet(first, last)
})

test('--reseal seals sessions that are larger than most', async () => {
  const directory = temporaryDirectory('memory')
  const storage = files({ directory, maxRecordBytes: 2 ** 22 })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false, seal: { keys: [OLD] } })
  await engine.save('large', { cart: 'x'.repeat(2 ** 21) })
  await engine.close()
  const { status, stdout } = await coatcheck('clear-expired', directory, '--reseal', '--seal-keys', bothKeys)
  assert.match(stdout, /1 sealed anew, 0 refused/)
  assert.is(status, 0)
})

test('keys are read once, so that they may come from a pipe', async () => {
  const directory = await sealedDirectory()
  const command = `cat "$KEYS" | "$NODE" "$SCRIPT" clear-expired "$DIRECTORY" --reseal --accept-unsealed --seal-keys /dev/stdin`
  const { stdout } = await promisify(execFile)('sh', ['-c', command], {
    env: { ...process.env, KEYS: bothKeys, NODE: process.execPath, SCRIPT, DIRECTORY: directory },
  })
  assert.match(stdout, /3 sealed anew, 0 refused/)
})

test('a line of a file of keys may stand for bytes, and what it says is never shown', async () => {
  const directory = temporaryDirectory('memory')
  const bytes = [Buffer.alloc(32, 0xfb), Buffer.alloc(48, 0xa5)] as const
  const engine = new SessionEngine({
    directory,
    threads: 1,
    sweepInterval: false,
    seal: { keys: [...bytes] },
  })
  await engine.save('k', { user: USER })
  await engine.close()
  const [base64, hex] = [bytes[0].toString('base64'), bytes[1].toString('hex').toUpperCase()]
  const show = async (...lines: readonly string[]): Promise<Outcome> =>
    coatcheck('show', directory, 'k', '--seal-keys', keyFile('bytes', ...lines))
  for (const line of [`base64:${base64}`, `base64:${bytes[0].toString('base64url')}`]) {
    const shown = await show(`hex:${hex}`, '', line)
    assert.equal([shown.status, shown.stderr], [0, ''])
  }
  const wrong: readonly (readonly [lines: readonly string[], message: RegExp])[] = [
    [
      [`hex:${hex}`, 'base64:sesamopen, but this is none'],
      /key 2 is no base64, though it begins with base64:/,
    ],
    [['hex:sesamopen'], /key 1 is no hex/],
    [['base64:c2VzYW1vcGVu'], /"seal.keys\[0\]" is 9 bytes; expected /],
    [[` ${NEW}`], /"seal.keys\[0\]" is a string with white space at an end/],
    [['', '', ''], /is empty; expected keys, one a line, the newest first/],
  ]
  for (const [lines, message] of wrong) {
    const refused = await show(...lines)
    assert.match(refused.stderr, message)
    assert.is(refused.status, 2)
    discreet(refused)
  }
})

test('what does not go with Django is refused before anything is done', async () => {
  process.env.COATCHECK_SEAL_KEYS = NEW
  process.env.DJANGO_SECRET_KEY = 'sesamopen'
  try {
    const directory = temporaryDirectory('memory')
    for (const option of ['--reseal', '--accept-unsealed']) {
      const refused = await coatcheck('clear-expired', directory, '--django', option)
      assert.match(refused.stderr, new RegExp(`^error: ${option} does not go with --django`))
      assert.is(refused.status, 2)
      discreet(refused)
    }
  } finally {
    delete process.env.COATCHECK_SEAL_KEYS
    delete process.env.DJANGO_SECRET_KEY
  }
})

test.run()
