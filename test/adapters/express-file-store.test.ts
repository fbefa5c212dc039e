import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, json, SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import type { SessionData } from 'express-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { answerOf, destroyIn, getFrom, setIn, touchIn } from './callbacks.js'

/*
 * What session-file-store does, as its own tests have it, and what it fails to do: on a directory that others look into.
 */

const ALIVE = { cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }, visits: 9 }
const EXPIRED = { ...ALIVE, cookie: { ...ALIVE.cookie, expires: new Date(0), originalMaxAge: 1 } }

interface Context {
  directory: string
  engine: SessionEngine<object>
  store: CoatcheckStore
}

const test = suite<Context>('express store: what session-file-store does')

test.before.each((context) => {
  context.directory = join(temporaryDirectory('memory'), 'sessions')
  const storage = files({ directory: context.directory, layout: 'flat' })
  context.engine = new SessionEngine<object>({ storage, codec: json(), threads: 1, sweepInterval: false })
  context.store = new CoatcheckStore({ engine: context.engine })
})

test.after.each(async ({ engine }) => {
  await engine.close()
})

const lengthOf = (store: CoatcheckStore) => answerOf<number>((callback) => store.length(callback))
const keysOf = async (store: CoatcheckStore) => {
  const all = await answerOf<SessionData[]>((callback) => store.all(callback))
  return (all ?? []).map((data) => Reflect.get(data, 'id')).sort()
}
const filesIn = (directory: string) => readdirSync(directory).filter((name) => !name.startsWith('.'))

test('a directory that is not there is made, and holds no session', async ({ store, directory }) => {
  assert.is(await lengthOf(store), 0)
  assert.equal(await keysOf(store), [])
  await answerOf((callback) => store.clear(callback))
  assert.equal(filesIn(directory), [])
})

test('sessions are counted and listed; files of others are not', async ({ store, directory }) => {
  await setIn(store, 'a', ALIVE)
  await setIn(store, 'b', ALIVE)
  writeFileSync(join(directory, 'notes.txt'), 'not a session')
  assert.is(await lengthOf(store), 2)
  assert.equal(await keysOf(store), ['a', 'b'])
})

test('a session that is missing is a miss, at once: one load that nobody tries again', async ({
  store,
  engine,
}) => {
  for (const key of ['missing', '../outside', '.hidden', 'x'.repeat(200)]) {
    const { accepted } = engine.stats()
    assert.is(await getFrom(store, key), null)
    assert.is(engine.stats().accepted - accepted, 1)
  }
})

test('what is stored comes back; the caller’s object is left as it is', async ({ store, directory }) => {
  const data = structuredClone(ALIVE)
  await setIn(store, 'a', data)
  assert.equal(data, ALIVE)
  assert.is((await getFrom(store, 'a'))?.visits, 9)
  assert.equal(filesIn(directory), ['a'])
  await setIn(store, 'a', { ...data, visits: 10 })
  assert.is((await getFrom(store, 'a'))?.visits, 10)
})

test('an expired session is a miss, however it expired', async ({ store }) => {
  await setIn(store, 'stored', EXPIRED)
  await setIn(store, 'touched', ALIVE)
  await touchIn(store, 'touched', EXPIRED)
  assert.is(await getFrom(store, 'stored'), null)
  assert.is(await getFrom(store, 'touched'), null)
})

test('destroying removes the file, and again does nothing', async ({ store, engine, directory }) => {
  await setIn(store, 'a', ALIVE)
  await destroyIn(store, 'a')
  await destroyIn(store, 'a')
  assert.is(await getFrom(store, 'a'), null)
  await engine.close()
  assert.equal(filesIn(directory), [])
})

test('clearing removes all sessions and nothing else', async ({ store, engine, directory }) => {
  for (const key of ['a', 'b', 'c']) await setIn(store, key, ALIVE)
  writeFileSync(join(directory, 'notes.txt'), 'not a session')
  await answerOf((callback) => store.clear(callback))
  assert.is(await lengthOf(store), 0)
  await engine.close()
  assert.equal(filesIn(directory), ['notes.txt'])
})

test('the sweep removes what has expired and leaves what lives', async ({ store, engine, directory }) => {
  await setIn(store, 'alive', ALIVE)
  await setIn(store, 'expired', EXPIRED)
  const { expired } = await engine.clearExpired()
  assert.is(expired, 1)
  assert.equal(filesIn(directory), ['alive'])
  assert.is((await getFrom(store, 'alive'))?.visits, 9)
})

test('a damaged file is a miss, is told, and kept aside', async ({ store, engine, directory }) => {
  await setIn(store, 'a', ALIVE)
  writeFileSync(join(directory, 'a'), '{"half":')
  const told = new Promise((resolve) => engine.once('corrupt', resolve))
  assert.is(await getFrom(store, 'a'), null)
  await told
  assert.is(await lengthOf(store), 0)
})

test.run()
