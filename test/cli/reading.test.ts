import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { files, json, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { treeOf } from '../workers/files/inspect/tree.js'
import { coatcheck, jsonLines, SCRIPT } from './run-coatcheck.js'

const test = suite('command line: what is stored')

const EXPIRES = new Date(Date.now() + 86_400_000)
const LONG = 'Long-'.repeat(40)

/** Sessions of both codecs, live and expired, one of them under a key that no line can hold. */
async function fill(directory: string, hashNames = false): Promise<void> {
  const storage = files({ directory, hashNames })
  const expiry = { expires: EXPIRES }
  const packed = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  await packed.save('user', { name: 'Ünal', seen: new Date(0), tags: new Map([['a', 1n]]) }, expiry)
  await packed.save('tab\t\u001b[2J\u009b2J\\', { secret: 'of another' }, expiry)
  await packed.save(LONG, {}, expiry)
  await packed.save('expired', {}, { expires: new Date(Date.now() - 1000) })
  await packed.close()
  const text = new SessionEngine({ storage, codec: json(), threads: 1, sweepInterval: false })
  await text.save('json', { name: 'plain' }, expiry)
  await text.close()
}

const directory = temporaryDirectory()
await fill(directory)
const untouched = treeOf(directory)

let sizes: readonly number[] = []

test('list prints live sessions, tab separated, each on a line of its own', async () => {
  const { status, stdout, stderr } = await coatcheck('list', directory)
  assert.equal({ status, stderr }, { status: 0, stderr: '' })
  const rows = stdout.trimEnd().split('\n').sort()
  const expires = EXPIRES.toISOString()
  assert.equal(
    rows.map((row) => row.split('\t').slice(0, 2)),
    [
      [LONG, expires],
      ['json', expires],
      ['tab\\u0009\\u001b[2J\\u009b2J\\\\', expires],
      ['user', expires],
    ],
  )
  sizes = rows.map((row) => Number(row.split('\t')[2]))
  assert.is(sizes[1], '{"name":"plain"}'.length)
})

test('count and stats say the same', async () => {
  const [count, stats, text] = await Promise.all([
    coatcheck('count', directory),
    coatcheck('stats', directory, '--json'),
    coatcheck('stats', directory),
  ])
  assert.is(count.stdout, '4\n')
  const [figures] = jsonLines(stats.stdout) as [Record<string, unknown>]
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const largest = Math.max(...sizes)
  assert.is(figures.layout, 'sharded')
  assert.equal(figures.sessions, { live: 4, expired: 1, inJournal: 0 })
  assert.equal(figures.bytes, { total, mean: Math.round(total / 4), largest })
  assert.equal((figures.sizes as unknown[])[0], { upTo: 256, sessions: 4 })
  assert.equal((figures.remaining as unknown[])[2], { upTo: 86_400, sessions: 4 })
  assert.is(figures.journal, null)
  assert.match(text.stdout, /^sessions {4}4 live, 1 expired$/m)
  assert.match(text.stdout, /^expiring {4}4 within 1 day$/m)
})

test('show prints one session, and nothing of others', async () => {
  const [text, line, plain] = await Promise.all([
    coatcheck('show', directory, 'user'),
    coatcheck('show', directory, 'user', '--json'),
    coatcheck('show', directory, 'json', '--json'),
  ])
  assert.equal([text.status, line.status, plain.status], [0, 0, 0])
  assert.match(text.stdout, /^codec {4}msgpack$/m)
  assert.match(text.stdout, /name: 'Ünal'/)
  assert.match(text.stdout, /Map\(1\) \{ 'a' => 1n \}/)
  const [shown] = jsonLines(line.stdout) as [Record<string, unknown>]
  assert.equal(shown.session, { name: 'Ünal', seen: new Date(0).toISOString(), tags: [['a', '1']] })
  assert.equal([shown.key, shown.expires, shown.in], ['user', EXPIRES.toISOString(), 'file'])
  const [other] = jsonLines(plain.stdout) as [Record<string, unknown>]
  assert.equal([other.codec, other.session], ['json', { name: 'plain' }])
  assert.not.match([text, line, plain].map(({ stdout }) => stdout).join(), /another|tab/)
})

test('show reads the key from standard input, where no other user can see it', () => {
  for (const [input, status] of [
    ['user', 0],
    ['user\n', 0],
    ['user\r\n', 0],
    ['\n', 2],
    ['', 2],
    ['missing\n', 1],
  ] as const) {
    const shown = spawnSync(process.execPath, [SCRIPT, 'show', directory, '-', '--json'], {
      input,
      encoding: 'utf8',
    })
    assert.is(shown.status, status, shown.stderr)
    if (status === 0) assert.is((jsonLines(shown.stdout)[0] as { key: string }).key, 'user')
  }
})

test('no session acts on the terminal, or shows where the program is', async () => {
  const hostile = temporaryDirectory()
  const engine = new SessionEngine({
    storage: files({ directory: hostile }),
    threads: 1,
    sweepInterval: false,
  })
  const controls = '\u001b[2J\u009b2J\u0007\u202e\u2066\u2028\u200b'
  const source = controls.replace('[', '\\[')
  await engine.save('error', {
    error: new TypeError(`failed ${controls}`),
    pattern: new RegExp(`a${source}`, 'gi'),
    text: controls,
    [`name ${controls}`]: new Map<unknown, unknown>([
      [controls, new Set([new Error(controls)])],
      ['list', [new RegExp(source), new Date(0), Buffer.from('bytes')]],
    ]),
  })
  await engine.close()
  const [text, line] = await Promise.all([
    coatcheck('show', hostile, 'error'),
    coatcheck('show', hostile, 'error', '--json'),
  ])
  for (const { status, stdout } of [text, line]) {
    assert.is(status, 0)
    assert.not.match(stdout, /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u)
    assert.not.match(stdout, /file:|node_modules|\.js/)
    assert.match(stdout, /TypeError: failed/)
    assert.match(stdout, /\\u202e/)
  }
  assert.match(text.stdout, /1970-01-01T00:00:00.000Z/)
})

test('show fails where there is no live session, without naming its key', async () => {
  assert.equal(await coatcheck('show', directory, 'expired'), {
    status: 1,
    stdout: '',
    stderr: 'error: there is no live session of this key\n',
  })
})

test('hashed names are told as digests, and found by their keys', async () => {
  const hashed = temporaryDirectory()
  await fill(hashed, true)
  const [list, show] = await Promise.all([
    coatcheck('list', hashed, '--json'),
    coatcheck('show', hashed, LONG, '--hash-names'),
  ])
  const rows = jsonLines(list.stdout) as Record<string, string>[]
  assert.is(rows.length, 4)
  for (const row of rows) {
    assert.match(row.digest ?? '', /^~[0-9a-f]{64}$/)
    assert.is(row.key, undefined)
  }
  assert.is(show.status, 0)
})

test('what a killed engine has left in a journal is told as if it were in files', async () => {
  const crashed = temporaryDirectory()
  const program = fileURLToPath(new URL('crashing-engine.js', import.meta.url))
  const { signal, stderr } = spawnSync(process.execPath, [program, crashed], { encoding: 'utf8' })
  assert.equal({ signal, stderr }, { signal: 'SIGKILL', stderr: '' })
  const before = treeOf(crashed)
  const [list, show, verify, stats] = await Promise.all([
    coatcheck('list', crashed, '--json'),
    coatcheck('show', crashed, 'replaced', '--json'),
    coatcheck('verify', crashed),
    coatcheck('stats', crashed, '--json'),
  ])
  const rows = jsonLines(list.stdout) as { key: string; in: string }[]
  assert.equal(rows.map((row) => `${row.key} ${row.in}`).sort(), [
    'in-file file',
    'in-journal journal',
    'replaced journal',
  ])
  const [shown] = jsonLines(show.stdout) as [Record<string, unknown>]
  assert.equal(shown.session, { from: 'journal', longer: true })
  assert.match(verify.stdout, /^4 sessions are sound \(3 live, 1 expired\), 0 corrupt/)
  const [figures] = jsonLines(stats.stdout) as [Record<string, Record<string, unknown>>]
  assert.equal(figures.sessions, { live: 3, expired: 1, inJournal: 2 })
  assert.is(figures.journal?.owner, null)
  assert.ok((figures.journal?.segments as number) > 0)
  assert.equal(treeOf(crashed), before, 'nothing is changed')
})

test('reading has changed nothing', () => {
  assert.equal(treeOf(directory), untouched)
})

test.run()
