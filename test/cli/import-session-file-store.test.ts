import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, json, SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addRoutes } from '../adapters/express-routes.js'
import { Browser, startServer } from '../adapters/express-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { type FileStoreOptions, fileStore, putSessions, traceOf } from '../import/file-store.js'
import { runImport } from './import-command.js'

const test = suite('coatcheck import session-file-store')

const SECRET = 'an Ångström of s3cret'

interface Directories {
  readonly source: string
  readonly target: string
}

function directories(): Directories {
  const parent = temporaryDirectory('memory')
  const source = join(parent, 'before')
  return { source, target: join(parent, 'after') }
}

function secretFile(secret = SECRET): string {
  const path = join(temporaryDirectory('memory'), 'secret')
  writeFileSync(path, `${secret}\n`)
  return path
}

/** Whoever has logged in with one store has his session with the other one, and his cookie stays the same. */
async function movesVisitors(options: FileStoreOptions, environment: Record<string, string>): Promise<void> {
  const { source, target } = directories()
  const before = await startServer(fileStore(source, options), addRoutes, { cookie: { maxAge: 600_000 } })
  const cookies: (string | undefined)[] = []
  try {
    for (let visitor = 0; visitor < 3; visitor++) {
      const browser = new Browser(before)
      for (let visit = 0; visit <= visitor; visit++) await browser.visit('/visit')
      cookies.push(browser.cookie)
    }
  } finally {
    await before.close()
  }
  const trace = traceOf(source)
  const ended = runImport(['session-file-store', source, target], environment)
  assert.equal(ended, {
    status: 0,
    stdout: '3 imported, 0 there already, 0 expired, 0 unreadable, 0 foreign\n',
    stderr: '',
  })
  assert.is(traceOf(source), trace, 'nothing is changed where they come from')

  const store = new CoatcheckStore({ directory: target, threads: 1 })
  const after = await startServer(store, addRoutes, { cookie: { maxAge: 600_000 } })
  try {
    for (const [visitor, cookie] of cookies.entries()) {
      const browser = new Browser(after, cookie)
      assert.is(await browser.visit('/look'), String(visitor + 1))
      // express-session itself loses a millisecond now and then.
      assert.match(await browser.visit('/cookie'), /^\{"date":true,"originalMaxAge":(600000|5999..)\}$/)
      assert.is(await browser.visit('/visit'), String(visitor + 2), 'and goes on')
      assert.is(browser.cookie?.split('=')[0], 'connect.sid')
    }
    assert.is(await store.engine.count(), 3, 'nobody got a new session')
  } finally {
    await after.close()
    await store.close()
  }
}

test('whoever is logged in stays logged in', () => movesVisitors({}, {}))

test('whoever is logged in stays logged in where sessions are encrypted', () =>
  movesVisitors({ secret: SECRET }, { SESSION_FILE_STORE_SECRET: SECRET }))

test('what cannot be read is counted, with a reason and without its name', async () => {
  const { source, target } = directories()
  await putSessions(fileStore(source), { 'good-key': {}, 'other-key': {} })
  await putSessions(fileStore(source), { 'expired-key': {} }, -1000)
  writeFileSync(join(source, 'torn-key.json'), '{"cookie":{"orig')
  writeFileSync(join(source, 'secret-key.json'), '{"name":"no session"}')
  writeFileSync(join(source, 'good-key.json.1234'), 'left by a crash')
  const ended = runImport(['session-file-store', source, target, '--json'])
  assert.is(ended.status, 1)
  const { reasons, ...counts } = JSON.parse(ended.stdout) as { reasons: { reason: string; count: number }[] }
  assert.equal(counts, {
    imported: 2,
    existing: 0,
    expired: 1,
    unreadable: 2,
    foreign: 1,
    gone: 0,
    interrupted: false,
  })
  assert.equal(reasons.map(({ reason, count }) => `${count} ${reason}`).sort(), [
    '1 cannot be decoded',
    '1 is no session with a cookie',
  ])
  assert.match(ended.stderr, /^1 file: cannot be decoded; find .* -inum \d+$/m)
  assert.not.match(ended.stdout + ended.stderr, /-key/)
})

test('a wrong secret is told, and nothing is imported', async () => {
  const { source, target } = directories()
  await putSessions(fileStore(source, { secret: SECRET }), { one: {}, two: {} })
  const wrong = runImport(['session-file-store', source, target, '--secret-file', secretFile('other')])
  assert.equal(wrong, {
    status: 1,
    stdout: '',
    stderr:
      'error: the secret does not fit: no session can be read with it; ' +
      'give the one that the application used\n',
  })
  assert.equal(readdirSync(target), [])
})

test('every option of session-file-store that counts has its own', async () => {
  const { source, target } = directories()
  const crypto = { algorithm: 'aes-256-cbc', hashing: 'sha256' }
  const store = fileStore(source, { secret: SECRET, crypto, fileExtension: '.sess' })
  await putSessions(store, { some: { name: 'Zoë' } }, null)
  const values = [
    ['--secret-file', secretFile()],
    ['--crypto', JSON.stringify(crypto)],
    ['--file-extension', '.sess'],
    ['--ttl', '7200'],
    ['--layout', 'flat'],
    ['--prefix', 'shop'],
    ['--codec', 'json'],
  ]
  const { stdout, stderr } = runImport(['session-file-store', source, target, ...values.flat()])
  assert.is(stderr, '')
  assert.match(stdout, /^1 imported, /)
  assert.match(readFileSync(join(target, 'shopsome'), 'latin1'), /\{"name":/, 'flat, with a prefix, JSON')
  const storage = files({ directory: target, layout: 'flat', prefix: 'shop' })
  const engine = new SessionEngine({ storage, codec: json(), threads: 1 })
  assert.is((await engine.load('some'))?.name, 'Zoë')
  await engine.close()
})

test('wrong usage has an exit code of its own, and makes nothing', async () => {
  const { source, target } = directories()
  await putSessions(fileStore(source), { some: {} })
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [[], /Usage: coatcheck import/],
    [['session-file-store', join(source, 'missing'), target], /^error: there is no directory .*missing\n$/],
    [['session-file-store', source, source], /cannot be imported into the directory that they come from/],
  ]
  for (const [values, message] of wrong) {
    const { status, stdout, stderr } = runImport(values)
    assert.match(stderr, message)
    assert.equal({ status, stdout }, { status: 2, stdout: '' }, values.join(' '))
  }
  assert.not(existsSync(target))
})

test.run()
