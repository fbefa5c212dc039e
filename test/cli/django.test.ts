import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, SessionEngine } from 'coatcheck'
import { django } from 'coatcheck/django'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { coatcheck, jsonLines } from './run-coatcheck.js'

const test = suite("command line: sessions of Django's file backend")

const SECRET = 'a secret that nobody knows'
const keys = temporaryDirectory()
const [right, wrong] = [join(keys, 'right'), join(keys, 'wrong')]
writeFileSync(right, `${SECRET}\n`)
writeFileSync(wrong, 'another one\n')

const directory = temporaryDirectory()
const storage = files({ directory, layout: 'flat', prefix: 'sessionid' })
const codec = django({ secretKey: SECRET })
const engine = new SessionEngine({ storage, codec, threads: 1, sweepInterval: false })
await engine.save('live', { user: 'Ünal' })
await engine.save('expired', {}, { expires: new Date(Date.now() - 1000) })
await engine.close()

test('list, show and verify open them with the secret key', async () => {
  const secret = ['--django', '--secret-key-file', right]
  const [list, show, verify] = await Promise.all([
    coatcheck('list', directory, ...secret, '--json'),
    coatcheck('show', directory, 'live', ...secret, '--json'),
    coatcheck('verify', directory, '--django', '--secret-key-file', wrong, '--fallback-key-file', right),
  ])
  assert.equal(
    (jsonLines(list.stdout) as { key: string }[]).map(({ key }) => key),
    ['live'],
  )
  const [shown] = jsonLines(show.stdout) as [{ codec: string; session: unknown }]
  assert.equal([shown.codec, shown.session], ['django', { user: 'Ünal' }])
  assert.match(verify.stdout, /^2 sessions are sound \(1 live, 1 expired\), 0 corrupt/)
  assert.equal([list.status, show.status, verify.status], [0, 0, 0])
})

test('with another key they are damaged; with none, nothing is done', async () => {
  const [verify, count, none, swept] = await Promise.all([
    coatcheck('verify', directory, '--django', '--secret-key-file', wrong),
    coatcheck('count', directory, '--django', '--secret-key-file', wrong),
    coatcheck('count', directory, '--django'),
    coatcheck('clear-expired', directory, '--django'),
  ])
  assert.match(verify.stdout, /^corrupt\tsessionidlive\tsignature does not match$/m)
  assert.equal([verify.status, count.status, count.stdout], [1, 0, '0\n'])
  assert.match(count.stderr, /^note: 2 files are no sessions/)
  for (const { status, stderr } of [none, swept]) {
    assert.is(status, 2)
    assert.match(stderr, /Django's SECRET_KEY is needed/)
  }
  for (const { stdout, stderr } of [verify, count, none, swept])
    assert.not.match(stdout + stderr, /another one|nobody knows/)
})

test('clear-expired removes what Django would', async () => {
  const { status, stdout } = await coatcheck(
    'clear-expired',
    directory,
    '--django',
    '--secret-key-file',
    right,
  )
  assert.equal([status, stdout], [0, '2 scanned, 1 expired, 0 orphans, 0 corrupt\n'])
})

test.run()
