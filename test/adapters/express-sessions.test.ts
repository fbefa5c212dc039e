import { files, json, msgpack, SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import session, { type SessionData } from 'express-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { answerOf, destroyIn, getFrom, setIn, touchIn } from './callbacks.js'

/** Notes when the sessions that pass through it expire, in milliseconds from now. */
class WatchedEngine extends SessionEngine<object> {
  readonly expiries: (number | undefined)[] = []

  override save(...[key, data, expiry]: Parameters<SessionEngine<object>['save']>): Promise<void> {
    this.#note(expiry)
    return super.save(key, data, expiry)
  }

  override touch(...[key, expiry]: Parameters<SessionEngine<object>['touch']>): Promise<boolean> {
    this.#note(expiry)
    return super.touch(key, expiry)
  }

  #note(expiry: Parameters<SessionEngine['touch']>[1]): void {
    if (expiry === undefined) this.expiries.push(undefined)
    else if ('expires' in expiry && expiry.expires !== undefined) {
      this.expiries.push(expiry.expires.getTime() - Date.now())
    } else if ('maxAge' in expiry && expiry.maxAge !== undefined) this.expiries.push(expiry.maxAge * 1000)
  }
}

interface Context {
  engine: WatchedEngine
  store: CoatcheckStore
}

for (const codec of [msgpack(), json()]) {
  const test = suite<Context>(`express store: sessions with ${codec.name}`)

  test.before.each((context) => {
    context.engine = new WatchedEngine({ directory: temporaryDirectory(), codec, maxAge: 1000 })
    context.store = new CoatcheckStore({ engine: context.engine })
  })

  test.after.each(async ({ engine }) => {
    await engine.close()
  })

  test('what is not there is null, and never an error', async ({ store }) => {
    assert.is(await getFrom(store, 'missing'), null)
    await destroyIn(store, 'missing')
    await touchIn(store, 'missing', { cookie: { originalMaxAge: 60_000 } })
    assert.is(await getFrom(store, 'missing'), null)
    const loaded = await answerOf((callback) => store.load('missing', callback))
    assert.is(loaded, undefined)
  })

  test('a record of somebody else, without a cookie, is a miss and stays', async ({ store, engine }) => {
    await engine.save('a', { userId: 1 })
    assert.is(await getFrom(store, 'a'), null)
    assert.equal(await answerOf((callback) => store.all(callback)), [])
    assert.equal(await engine.load('a'), { userId: 1 })
  })

  test('a cookie comes back with its dates', async ({ store }) => {
    const request = requestOf(store, 'a')
    const made = session({
      store,
      secret: 'test',
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: 5000 },
    })
    assert.type(made, 'function')
    Reflect.apply(Reflect.get(store, 'generate'), store, [request])
    const live = (request as { session: SessionData & { id: string } }).session
    live.visits = 3
    await setIn(store, live.id, live)
    const data = await getFrom(store, live.id)
    assert.equal(Object.keys(data ?? {}).sort(), ['cookie', 'visits'])
    assert.instance(data?.cookie.expires, Date)
    assert.equal(data?.cookie.expires, live.cookie.expires)
    // Which is 4 999 where the clock ticks while the cookie is made.
    assert.is(data?.cookie.originalMaxAge, live.cookie.originalMaxAge)
    assert.is(data?.cookie.path, '/')
    assert.not('_expires' in (data?.cookie ?? {}))
    const revived = await answerOf<SessionData>((callback) => store.load(live.id, callback))
    assert.instance(revived?.cookie, session.Cookie)
    assert.equal(revived?.cookie.expires, live.cookie.expires)
    assert.is(revived?.cookie.originalMaxAge, live.cookie.originalMaxAge)
    assert.is((revived as { id?: string }).id, live.id)
  })

  test('what is stored is the session as it was at the call', async ({ store }) => {
    const data = { cookie: { path: '/' }, visits: 1 }
    const saved = setIn(store, 'a', data)
    data.visits = 2
    data.cookie.path = '/elsewhere'
    await saved
    const found = await getFrom(store, 'a')
    assert.is(found?.visits, 1)
    assert.is(found?.cookie.path, '/')
  })

  test('a session expires with its cookie', async ({ store, engine }) => {
    const expires = new Date(Date.now() + 50_000)
    await setIn(store, 'date', { cookie: { expires } })
    await setIn(store, 'text', { cookie: { expires: expires.toISOString() } })
    await setIn(store, 'max age', { cookie: { maxAge: 50_000 } })
    await setIn(store, 'original', { cookie: { originalMaxAge: 50_000 } })
    for (const milliseconds of engine.expiries) {
      assert.ok(
        milliseconds !== undefined && milliseconds > 40_000 && milliseconds <= 50_000,
        `${milliseconds}`,
      )
    }
    assert.is(engine.expiries.length, 4)
  })

  test('a session whose cookie lasts as long as the browser lives as long as the engine says', async (context) => {
    const { store, engine } = context
    await setIn(store, 'null', { cookie: { expires: null, originalMaxAge: null } })
    await setIn(store, 'false', { cookie: { expires: false, originalMaxAge: false } })
    await setIn(store, 'nothing', { cookie: {} })
    assert.equal(engine.expiries, [undefined, undefined, undefined])
    assert.ok(await getFrom(store, 'null'))
  })

  test('an expired session is a miss, and counts nowhere', async ({ store }) => {
    await setIn(store, 'a', { cookie: { expires: new Date(Date.now() - 1), originalMaxAge: 1000 } })
    await setIn(store, 'b', { cookie: { originalMaxAge: -1 } })
    assert.is(await getFrom(store, 'a'), null)
    assert.is(await getFrom(store, 'b'), null)
    assert.is(await answerOf((callback) => store.length(callback)), 0)
    assert.equal(await answerOf((callback) => store.all(callback)), [])
  })

  test('touch moves the expiry, also into the past', async ({ store, engine }) => {
    await setIn(store, 'a', { cookie: { originalMaxAge: 10_000 }, visits: 1 })
    await touchIn(store, 'a', { cookie: { originalMaxAge: 90_000 } })
    assert.is(engine.expiries[1], 90_000)
    assert.is((await getFrom(store, 'a'))?.visits, 1)
    await touchIn(store, 'a', { cookie: { expires: new Date(0) } })
    assert.is(await getFrom(store, 'a'), null)
  })

  test('data that no request works with is always stored', async ({ store }) => {
    const data = { cookie: {}, visits: 1 }
    await setIn(store, 'a', data)
    await destroyIn(store, 'a')
    await setIn(store, 'a', data)
    assert.is((await getFrom(store, 'a'))?.visits, 1)
  })

  test('all, length and clear', async ({ store }) => {
    const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`)
    await Promise.all(keys.map((key, visits) => setIn(store, key, { cookie: {}, visits })))
    const all = await answerOf<SessionData[]>((callback) => store.all(callback))
    assert.ok(Array.isArray(all))
    const found = all?.map((data) => `${(data as { id?: string }).id} ${data.visits}`).sort()
    assert.equal(found, keys.map((key, index) => `${key} ${index}`).sort())
    assert.not(Object.keys(all?.[0] ?? {}).includes('id'))
    assert.is(await answerOf((callback) => store.length(callback)), 300)
    await answerOf<void>((callback) => store.clear(callback))
    assert.is(await answerOf((callback) => store.length(callback)), 0)
    assert.is(await getFrom(store, 'key 7'), null)
  })

  test('all needs names that can be read', async () => {
    const storage = files({ directory: temporaryDirectory(), hashNames: true })
    const store = new CoatcheckStore({ storage, codec })
    await setIn(store, 'a', { cookie: {} })
    const error = await answerOf((callback) => store.all(callback)).catch(
      (reason: { code: string }) => reason,
    )
    assert.is((error as { code: string }).code, 'COATCHECK_UNSUPPORTED')
    assert.is(await answerOf((callback) => store.length(callback)), 1)
    await store.close()
  })

  test.run()
}

/** As much of a request as express-session needs to make a session. */
function requestOf(store: CoatcheckStore, sessionID: string): object {
  return { sessionID, sessionStore: store, headers: {}, connection: {} }
}
