import { readFileSync, writeFileSync } from 'node:fs'
import { CreateError, type SessionEngine, UpdateError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { skipWhere } from '../skip.js'
import { DjangoError, DjangoProcess, missingDjango } from './django-process.js'
import { freshKey, PREFIX, SECRET, SharedDirectory } from './shared-directory.js'

/*
 * Sessions that Django's own file backend and an engine write for each other.
 */

interface Context {
  shared: SharedDirectory
  engine: SessionEngine
}

interface Loaded {
  readonly session: unknown
  readonly key: string | null
}

const test = suite<Context>('django: sessions on one directory')
const withDjango = skipWhere(missingDjango)

test.before(async (context) => {
  if (missingDjango !== undefined) return
  context.shared = await SharedDirectory.open(await DjangoProcess.start())
  context.engine = context.shared.engine()
})
test.after(async ({ shared }) => {
  await shared?.close()
  await shared?.django.stop()
})

const LOGIN = {
  _auth_user_id: '17',
  _auth_user_backend: 'django.contrib.auth.backends.ModelBackend',
  _auth_user_hash: '9a6f1c0e5b',
}

const SESSIONS: readonly object[] = [
  {},
  LOGIN,
  { nested: { list: [1, -2.5, 1e300, [null, true, false, { deep: {} }]], '': 'empty name' } },
  { text: 'häßlich 👜 \ud800 \0 " \\ \u2028 \x7f' },
  { large: 'compressible '.repeat(50_000) },
  { __proto__x: 1, constructor: 2, '"_session_expiry"': 'not the one' },
]

withDjango(test, 'Django loads what was saved here', async ({ shared: { django }, engine }) => {
  for (const session of SESSIONS) {
    const key = freshKey()
    await engine.create(key, session as Record<string, unknown>)
    assert.equal(await django.ask('load', { key }), { session, key })
    await engine.update(key, { ...session, more: 1 })
    assert.equal(await django.ask('load', { key }), { session: { ...session, more: 1 }, key })
  }
})

withDjango(
  test,
  'what Django has saved is loaded here, with no header or newline of ours',
  async (context) => {
    const { shared, engine } = context
    for (const session of SESSIONS) {
      const key = await shared.django.ask<string>('new', { session })
      assert.match(key, /^[a-z0-9]{32}$/)
      assert.equal(await engine.load(key), session)
      assert.is(await engine.exists(key), true)
      await engine.save(key, session as Record<string, unknown>)
      assert.match(readFileSync(shared.file(key), 'latin1'), /^\.?[\w-]+:[0-9A-Za-z]+:[\w-]{43}$/)
    }
  },
)

withDjango(test, 'a login of the one is a login to the other', async ({ shared: { django }, engine }) => {
  const key = await django.ask<string>('login', { name: 'ada' })
  const session = (await engine.load(key)) ?? {}
  await engine.update(key, { ...session, cart: ['hat'] })
  assert.is(await django.ask('user_of', { key }), 'ada')
  const { _auth_user_id, _auth_user_backend, _auth_user_hash } = session
  const loggedInHere = freshKey()
  await engine.create(loggedInHere, { _auth_user_id, _auth_user_backend, _auth_user_hash })
  assert.is(await django.ask('user_of', { key: loggedInHere }), 'ada')
  await engine.update(loggedInHere, {
    _auth_user_id,
    _auth_user_backend,
    _auth_user_hash: 'another password',
  })
  assert.is(await django.ask('user_of', { key: loggedInHere }), '')
  await engine.delete(key)
  assert.is(await django.ask('user_of', { key }), '')
})

withDjango(
  test,
  'a user whom one has logged in is changed by the other, and logged out',
  async ({ shared, engine }) => {
    const { django } = shared
    const key = await django.ask<string>('new', { session: LOGIN })
    const session = await engine.load(key)
    assert.is(session?._auth_user_id, '17')
    await engine.update(key, { ...session, cart: ['hat'] })
    assert.is(await django.ask('change', { key, session: { cart: ['hat', 'coat'] } }), key)
    assert.equal(await engine.load(key), { ...LOGIN, cart: ['hat', 'coat'] })
    assert.ok((await keysOf(engine)).includes(key))
    await engine.delete(key)
    assert.equal(await django.ask('load', { key }), { session: {}, key: null })
    const another = await django.ask<string>('new', { session: LOGIN })
    await django.ask('delete', { key: another })
    assert.is(await engine.load(another), undefined)
    assert.is(await engine.exists(another), false)
    await rejection(engine.update(another, {}), UpdateError)
    assert.not.ok((await keysOf(engine)).some((some) => some === key || some === another))
  },
)

withDjango(test, 'one creates what the other has not', async ({ shared: { django }, engine }) => {
  const key = freshKey()
  await engine.create(key, { by: 'engine' })
  assert.is(await django.ask('exists', { key }), true)
  assert.is((await djangoError(django.ask('create', { key, session: {} }))).kind, 'CreateError')
  const another = freshKey()
  await django.ask('create', { key: another, session: { by: 'Django' } })
  await rejection(engine.create(another, {}), CreateError)
  assert.equal(await engine.load(another), { by: 'Django' })
  await django.ask('delete', { key: another })
  await engine.create(another, { by: 'engine' })
  assert.equal(await django.ask<Loaded>('load', { key: another }), {
    session: { by: 'engine' },
    key: another,
  })
})

withDjango(
  test,
  'a session that was tampered with is none for either, and left where it is',
  async (context) => {
    const { shared, engine } = context
    const key = await shared.django.ask<string>('new', { session: { role: 'guest' } })
    const text = readFileSync(shared.file(key), 'latin1')
    const forged = Buffer.from('{"role":"admin"}').toString('base64url') + text.slice(text.indexOf(':'))
    writeFileSync(shared.file(key), forged)
    assert.equal((await shared.django.ask<Loaded>('load', { key })).session, {})
    const told = new Promise<{ reason: string; keptAs: string | undefined }>((resolve) =>
      engine.once('corrupt', resolve),
    )
    assert.is(await engine.load(key), undefined)
    const { reason, keptAs } = await told
    assert.equal([reason, keptAs], ['signature does not match', undefined])
    await engine.clearExpired()
    assert.is(readFileSync(shared.file(key), 'latin1'), forged)
    assert.equal(
      shared.names().filter((name) => name.includes(key)),
      [PREFIX + key],
    )
  },
)

withDjango(
  test,
  'what other secrets have signed is read by whoever has them as fallbacks',
  async ({ shared }) => {
    const { django } = shared
    const key = await django.ask<string>('new', { session: LOGIN })
    const rotated = shared.engine({ secretKey: 'new', fallbackKeys: ['older', SECRET] })
    assert.equal(await rotated.load(key), LOGIN)
    await rotated.update(key, LOGIN)
    assert.equal((await django.ask<Loaded>('load', { key })).session, {}, 'signed by the new one')
    await django.ask('configure', { SECRET_KEY: 'new', SECRET_KEY_FALLBACKS: [SECRET] })
    try {
      assert.equal((await django.ask<Loaded>('load', { key })).session, LOGIN)
      const another = freshKey()
      await shared.engine().save(another, LOGIN)
      const read = (await django.ask<Loaded>('load', { key: another })).session
      assert.equal(read, django.isAtLeast(4, 1) ? LOGIN : {})
    } finally {
      await django.ask('configure', { SECRET_KEY: SECRET, SECRET_KEY_FALLBACKS: [] })
    }
    const stranger = shared.engine({ secretKey: 'another' })
    const told = new Promise((resolve) => stranger.once('corrupt', resolve))
    assert.is(await stranger.load(key), undefined)
    await told
  },
)

withDjango(test, 'numbers that only Python writes are read', async ({ shared, engine }) => {
  const key = freshKey()
  const source = "{'a': float('inf'), 'b': [-float('inf'), float('nan')], 'NaN': 'NaN, \\\\\"-Infinity'}"
  writeFileSync(shared.file(key), await shared.django.ask<string>('python_text', { source }))
  assert.equal(await engine.load(key), { a: Infinity, b: [-Infinity, null], NaN: 'NaN, \\"-Infinity' })
})

async function keysOf(engine: SessionEngine): Promise<string[]> {
  const keys: string[] = []
  for await (const key of engine.keys()) keys.push(key)
  return keys
}

async function djangoError(asked: Promise<unknown>): Promise<DjangoError> {
  return rejection(asked, DjangoError)
}

test.run()
