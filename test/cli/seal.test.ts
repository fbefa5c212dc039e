import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { coatcheck, jsonLines, type Outcome } from './run-coatcheck.js'

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
  assert.match(first.stdout, /, 1 expired, 0 orphans, 1 corrupt, 2 sealed anew\n$/)
  assert.match(first.stderr, /^note: 1 file is not sealed: read only with seal.acceptUnsealed; use /)
  const verify = await coatcheck('verify', directory, '--seal-keys', newKeys)
  assert.match(verify.stdout, /^2 sessions are sound \(2 live, 0 expired\), 1 corrupt/m)
  discreet(none, first, verify)
})

test.run()
