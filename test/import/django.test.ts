import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DjangoOptions, djangoSource } from '#dist/src/import/django/index.js'
import { SecretError } from '#dist/src/import/errors.js'
import { moveIn } from '#dist/src/import/move-in.js'
import type { Reading } from '#dist/src/import/source.js'
import { runImport } from '../cli/import-command.js'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { DjangoProcess, missingDjango } from '../interop/django-process.js'
import { skipWhere } from '../skip.js'
import { traceOf } from './file-store.js'

const withDjango = skipWhere(missingDjango)
const SECRET = 'a secret, ⚿ and not of ASCII alone'

const test = suite<{ django: DjangoProcess; path: string }>('import: Django')

test.before(async (context) => {
  if (missingDjango === undefined) context.django = await DjangoProcess.start()
})
test.before.each(async (context) => {
  context.path = temporaryDirectory('memory')
  await context.django?.ask('configure', { SECRET_KEY: SECRET, SESSION_FILE_PATH: context.path })
})
test.after(async ({ django }) => {
  await django?.stop()
})

async function readAll(path: string, options: Partial<DjangoOptions> = {}): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>()
  for await (const entry of djangoSource({ path, secretKey: SECRET, ...options }).entries()) {
    if (entry.key !== undefined) readings.set(entry.key, await entry.read())
  }
  return readings
}

const SESSIONS: readonly object[] = [
  { _auth_user_id: '17', _auth_user_backend: 'django.contrib.auth.backends.ModelBackend' },
  { text: 'häßlich 👜 "\\', number: -1.5, nothing: null, list: [1, [true]] },
  { large: 'compressible '.repeat(20_000) },
]

withDjango(
  test,
  'the command moves sessions with their keys and their expiry, and changes nothing there',
  async ({ django, path }) => {
    const keys: string[] = []
    for (const session of SESSIONS) keys.push(await django.ask('new', { session }))
    await django.ask('configure', { SECRET_KEY: 'the new one' })
    keys.push(await django.ask('new', { session: { last: true } }))
    writeFileSync(join(path, `sessionid${'a'.repeat(32)}_out_x1y2`), 'left by a crash')
    writeFileSync(join(path, `sessionid${'b'.repeat(32)}`), '')
    writeFileSync(join(path, 'another-program'), 'in the same directory')
    const older = join(temporaryDirectory('memory'), 'key')
    writeFileSync(older, `${SECRET}\n`)
    const trace = traceOf(path)

    const target = join(temporaryDirectory('memory'), 'sessions')
    const values = ['django', path, target, '--fallback-key-file', older, '--cookie-age', '5000']
    const environment = { DJANGO_SECRET_KEY: 'the new one' }
    assert.equal(runImport(values, environment), {
      status: 0,
      stdout: '4 imported, 0 there already, 0 expired, 0 unreadable, 3 foreign\n',
      stderr: '',
    })
    assert.is(traceOf(path), trace)
    const engine = new SessionEngine({ directory: target, threads: 1 })
    for (const [index, key] of keys.entries()) {
      assert.equal(await engine.load(key), SESSIONS[index] ?? { last: true })
      const [file = ''] = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith(key),
      )
      const lives = statSync(join(target, file)).mtimeMs - statSync(join(path, `sessionid${key}`)).mtimeMs
      assert.is(Math.round(lives / 1000), 5000)
    }
    await engine.close()
  },
)

withDjango(test, 'a larger session is read where larger records are allowed', async ({ django, path }) => {
  // Django compresses it: the file is small.
  const key: string = await django.ask('new', { session: { text: 'x'.repeat(17 * 2 ** 20) } })
  assert.is((await readAll(path)).get(key)?.state, 'unreadable')
  const reading = (await readAll(path, { maxRecordBytes: 18 * 2 ** 20 })).get(key)
  assert.is(reading?.state, 'session')
})

withDjango(test, 'sessions expire when Django says so', async ({ django, path }) => {
  await django.ask('configure', { SESSION_COOKIE_AGE: 1000 })
  const expiries: readonly (readonly [object, number])[] = [
    [{}, 1000],
    [{ _session_expiry: 0 }, 1000],
    [{ _session_expiry: 300 }, 300],
  ]
  for (const [session, seconds] of expiries) {
    const key = await django.ask<string>('new', { session })
    const file = join(path, `sessionid${key}`)
    const found = (await readAll(path, { cookieAge: 1000 })).get(key)
    assert.ok(found?.state === 'session')
    assert.is(Math.round(found.expiresAt - statSync(file).mtimeMs), seconds * 1000)
    const age = await django.ask<number>('age', { key })
    assert.ok(Math.abs(found.expiresAt - Date.now() - age * 1000) < 100_000, 'by its own word')

    const longAgo = new Date(Date.now() - seconds * 1000 - 5000)
    utimesSync(file, longAgo, longAgo)
    assert.is((await readAll(path, { cookieAge: 1000 })).get(key)?.state, 'expired')
  }
  await django.ask('configure', { SESSION_COOKIE_AGE: 1_209_600 })
})

withDjango(test, 'a moment of expiry in the session counts', async ({ django, path }) => {
  const session = { _session_expiry: '2099-01-02T03:04:05.600000+00:00' }
  const key = await django.ask<string>('new', { session })
  const found = (await readAll(path)).get(key)
  assert.ok(found?.state === 'session')
  assert.is(found.expiresAt, Date.UTC(2099, 0, 2, 3, 4, 5, 600))
  const past = await django.ask<string>('new', { session: { _session_expiry: '2001-01-01T00:00:00+00:00' } })
  assert.is((await readAll(path)).get(past)?.state, 'expired')
})

withDjango(test, 'what is no session says why', async ({ django, path }) => {
  const key = await django.ask<string>('new', { session: { a: 1 } })
  const file = (name: string): string => join(path, `sessionid${name.padEnd(32, '0')}`)
  const text = readFileSync(file(key), 'latin1')
  writeFileSync(file('changed'), text.replace(/^../, 'ff'))
  writeFileSync(file('torn'), text.slice(0, 10))
  writeFileSync(file('legacy'), Buffer.from('0123456789abcdef:{"a":1}').toString('base64'))
  writeFileSync(file('list'), await django.ask<string>('python_text', { source: '[1, 2]' }))
  writeFileSync(file('words'), await django.ask<string>('python_text', { source: '{"a": float("nan")}' }))
  const reasons: Record<string, string> = {}
  for (const [name, reading] of await readAll(path)) {
    reasons[name.replace(/0+$/, '')] = reading.state === 'unreadable' ? reading.reason : reading.state
  }
  assert.equal(reasons, {
    [key.replace(/0+$/, '')]: 'session',
    changed: 'was signed with another secret, or changed since',
    torn: 'is not signed, or by a Django before 3.1',
    legacy: 'is not signed, or by a Django before 3.1',
    list: 'is no JSON object',
    words: 'session',
  })
})

withDjango(test, 'a wrong secret is told, and nothing is moved', async ({ django, path }) => {
  await django.ask('new', { session: { a: 1 } })
  await django.ask('new', { session: { a: 2 } })
  const engine = new SessionEngine({ directory: temporaryDirectory('memory'), threads: 1 })
  const source = djangoSource({ path, secretKey: 'wrong', fallbackKeys: ['wrong, too'] })
  const error = await rejection(moveIn({ source, engine }), SecretError)
  assert.is(error.problem, 'wrong')
  assert.is(await engine.count(), 0)
  await engine.close()
})

withDjango(test, 'another cookie name is another application', async ({ django, path }) => {
  const key = await django.ask<string>('new', { session: { shop: 1 } })
  await django.ask('configure', { SESSION_COOKIE_NAME: 'shop' })
  const other = await django.ask<string>('new', { session: { shop: 2 } })
  await django.ask('configure', { SESSION_COOKIE_NAME: 'sessionid' })
  assert.equal([...(await readAll(path)).keys()], [key])
  assert.equal([...(await readAll(path, { cookieName: 'shop' })).keys()], [other])
})

test('wrong options are refused, and a secret is not shown', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ path: 1, secretKey: 'hidden' }, /option "path" is 1/],
    [{ path: 'x' }, /option "secretKey" is undefined; expected a text/],
    [{ path: 'x', secretKey: '' }, /option "secretKey" is a string of 0 characters/],
    [
      { path: 'x', secretKey: 'hidden', fallbackKeys: 'hidden' },
      /option "fallbackKeys" is a string of 6 characters/,
    ],
    [{ path: 'x', secretKey: 'hidden', fallbackKeys: [''] }, /option "fallbackKeys" is a string of 0 /],
    [{ path: 'x', secretKey: 'hidden', cookieAge: Number.NaN }, /option "cookieAge" is NaN/],
    [{ path: 'x', secretKey: 'hidden', cookieName: '' }, /option "cookieName" is ''/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(
      () => djangoSource(options as DjangoOptions),
      (error: Error) =>
        error instanceof TypeError && message.test(error.message) && !error.message.includes('hidden'),
      String(message),
    )
  }
})

test('the command wants a secret', () => {
  const { status, stderr } = runImport(['django', 'from', 'to'], { DJANGO_SECRET_KEY: '' })
  assert.is(status, 2)
  assert.match(stderr, /^error: DJANGO_SECRET_KEY is empty; expected a secret\n$/)
})

test.run()
