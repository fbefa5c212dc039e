import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { SessionStore } from '@fastify/session'
import { json, msgpack, SessionEngine } from 'coatcheck'
import { type AdapterOptions, CoatcheckStore, type FastifySessionData } from 'coatcheck/fastify'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { startFastify } from './fastify-server.js'
import { Gate } from './gate.js'

// The compiler's to test: it can be given to @fastify/session, which calls it as declared.
const asDeclared = (store: CoatcheckStore): SessionStore => store

const test = suite<{ engine: SessionEngine<object>; store: CoatcheckStore }>('fastify store')
const COOKIE = { originalMaxAge: 60_000, path: '/' }

test.before((context) => {
  const directory = temporaryDirectory('memory')
  context.engine = new SessionEngine<object>({ directory, threads: 1, sweepInterval: false })
  context.store = new CoatcheckStore({ engine: context.engine })
})

test.after(async ({ engine }) => {
  await engine.close()
})

/** What a call gives its callback; rejects with its error. */
function answerOf<Value>(
  call: (callback: (error: Error | null, value?: Value) => void) => void,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === null ? resolve(value) : reject(error)))
  })
}

const setIn = (store: CoatcheckStore, key: string, data: unknown) =>
  answerOf<void>((callback) => store.set(key, data as FastifySessionData, callback))
const getFrom = (store: CoatcheckStore, key: string) =>
  answerOf<FastifySessionData | null>((callback) => store.get(key, callback))
const destroyIn = (store: CoatcheckStore, key: string) =>
  answerOf<void>((callback) => store.destroy(key, callback))
const codeOf = (outcome: Promise<unknown>): Promise<unknown> =>
  outcome.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )

test('set, get and destroy, as @fastify/session declares them', async ({ store, engine }) => {
  const declared = asDeclared(store)
  const data = { cookie: COOKIE, visits: 3, note: 'kept' }
  await answerOf<void>((callback) => declared.set('declared', data, callback))
  assert.equal(await answerOf<unknown>((callback) => declared.get('declared', callback)), data)
  await answerOf<void>((callback) => declared.destroy('declared', callback))
  assert.not(await engine.exists('declared'))
})

test('what is not there is null, and never an error', async ({ store }) => {
  assert.is(await getFrom(store, 'missing'), null)
  assert.is(await getFrom(store, ''), null)
  assert.is(await getFrom(store, 'x'.repeat(257)), null)
  await destroyIn(store, 'missing')
})

for (const codec of [msgpack(), json()]) {
  test(`what comes back is what was stored, in every comparison and copy: ${codec.name}`, async () => {
    const store = new CoatcheckStore({ directory: temporaryDirectory('memory'), threads: 1, codec })
    const data = { cookie: { ...COOKIE, expires: new Date(Date.now() + 60_000) }, visits: 3 }
    await setIn(store, 'a', data)
    const got = await getFrom(store, 'a')
    assert.ok(isDeepStrictEqual(got, data))
    assert.is(JSON.stringify(got), JSON.stringify(data))
    assert.ok(isDeepStrictEqual(structuredClone(got), data))
    await setIn(store, 'a', { visits: 4 })
    assert.ok(isDeepStrictEqual(await getFrom(store, 'a'), { visits: 4 }))
    await store.close()
  })
}

test('what is stored is the session as it was at the call', async ({ store }) => {
  const data = { cookie: COOKIE, visits: 1 }
  const saved = setIn(store, 'snapshot', data)
  data.visits = 2
  await saved
  assert.equal(await getFrom(store, 'snapshot'), { cookie: COOKIE, visits: 1 })
})

test('data that no request works with is always stored', async ({ store, engine }) => {
  await setIn(store, 'data', { cookie: COOKIE })
  const got = await getFrom(store, 'data')
  await destroyIn(store, 'data')
  await setIn(store, 'data', got)
  assert.ok(await engine.exists('data'))
})

test('the Session of one store is a copy in another', async ({ store, engine }) => {
  const other = new CoatcheckStore({ directory: temporaryDirectory('memory'), threads: 1 })
  const server = await startFastify(store, (app) => {
    app.get('/', async ({ session }) => {
      await setIn(other, session.sessionId, session)
      await setIn(other, 'by another key', session)
      return session.sessionId
    })
  })
  try {
    const visitor = server.visitor()
    await visitor.read('/')
    await other.engine.clear()
    const key = await visitor.read('/')
    assert.ok(await engine.exists(key))
    assert.ok(await other.engine.exists(key))
    assert.ok(await other.engine.exists('by another key'))
  } finally {
    await server.close()
    await other.close()
  }
})

test('errors reach the callback', async ({ store }) => {
  assert.is(await codeOf(setIn(store, 'x'.repeat(257), { cookie: COOKIE })), 'COATCHECK_INVALID_KEY')
  assert.is(await codeOf(destroyIn(store, '')), 'COATCHECK_INVALID_KEY')
  assert.is(await codeOf(setIn(store, 'bad', null)), 'COATCHECK_ENCODE')
  assert.is(await codeOf(setIn(store, 'bad', { cookie: COOKIE, handler() {} })), 'COATCHECK_ENCODE')
  const invalid = await setIn(store, 'bad', { cookie: { expires: 'soon' } }).catch((reason: Error) => reason)
  assert.match((invalid as Error).message, /option "expires" is Invalid Date/)
  assert.is(await getFrom(store, 'bad'), null)
})

test('a call without a callback is refused: whom else to tell?', ({ store }) => {
  const none = undefined as never
  assert.throws(() => store.set('a', { cookie: COOKIE }, none), /set\(\) needs a callback/)
  assert.throws(() => store.get('a', none), /get\(\) needs a callback/)
  assert.throws(() => store.destroy('a', none), /destroy\(\) needs a callback/)
})

test('a throwing callback is an uncaught exception, and called once', async ({ store }) => {
  const calls: [string, (callback: () => never) => void][] = [
    ['set', (callback) => store.set('a', { cookie: COOKIE }, callback)],
    ['set with an error', (callback) => store.set('', { cookie: COOKIE }, callback)],
    ['get', (callback) => store.get('a', callback)],
    ['destroy', (callback) => store.destroy('a', callback)],
    ['destroy with an error', (callback) => store.destroy('', callback)],
  ]
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  for (const [name, call] of calls) {
    const uncaught = once(process, 'uncaughtException')
    let times = 0
    call(() => {
      times++
      throw new Error(name)
    })
    assert.is(times, 0, `${name}: called at once`)
    assert.is(((await uncaught) as [Error])[0].message, name)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.is(times, 1, name)
  }
  process.off('unhandledRejection', onUnhandled)
  assert.equal(unhandled, [])
})

test('options are checked as those of every adapter', () => {
  const refused = (options: unknown, expected: RegExp): void =>
    assert.throws(
      () => new CoatcheckStore(options as AdapterOptions),
      (error: unknown) => error instanceof TypeError && expected.test(error.message),
    )
  refused(undefined, /option "options" is undefined; expected an object/)
  refused({}, /option "storage" is undefined; expected a storage .* or directory/)
  refused({ directory: 'x', ttl: 5 }, /option "ttl" is 5; expected one of engine, storage, directory/)
  refused({ engine: {} }, /option "engine" is \{\}; expected a SessionEngine/)
})

test('close() closes an engine of its own and leaves a shared one open', async ({ store, engine }) => {
  const own = new CoatcheckStore({ directory: temporaryDirectory('memory'), threads: 1 })
  await setIn(own, 'a', { cookie: COOKIE })
  await own.close()
  assert.is(await codeOf(getFrom(own, 'a')), 'COATCHECK_CLOSED')
  assert.is(await codeOf(setIn(own, 'a', { cookie: COOKIE })), 'COATCHECK_CLOSED')
  assert.is(await codeOf(destroyIn(own, 'a')), 'COATCHECK_CLOSED')
  await store.close()
  assert.is(store.engine, engine)
  await setIn(store, 'still open', { cookie: COOKIE })
})

test('what cannot be stored is the error of its request, and the old session stays', async ({ store }) => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const server = await startFastify(store, (app) => {
    app.get('/visit', async ({ session }) => {
      session.visits = (session.visits ?? 0) + 1
      return String(session.visits)
    })
    app.get('/circular', async ({ session }) => {
      session.note = circular
      return 'never sent'
    })
    app.get('/function', async ({ session }) => {
      session.note = { callback() {} }
      return 'never sent'
    })
  })
  try {
    const visitor = server.visitor()
    await visitor.read('/visit')
    for (const path of ['/circular', '/function']) {
      assert.is((await visitor.get(path)).status, 500, path)
      assert.ok(server.errors.every(({ code }) => code === 'COATCHECK_ENCODE'))
      assert.ok(server.errors.splice(0).length > 0)
    }
    assert.is(await visitor.read('/visit'), '2')
  } finally {
    await server.close()
  }
})

test('an engine that is closed, or overloaded, is an error before and after the handler', async () => {
  const directory = temporaryDirectory('memory')
  const own = new CoatcheckStore({ directory, threads: 1, maxPending: { operations: 1 } })
  const [arrived, goOn] = [new Gate(), new Gate()]
  const server = await startFastify(own, (app) => {
    app.get('/', async () => 'fine')
    app.get('/busy', async ({ session }) => {
      const other = own.engine.save('another', {})
      await session.save().finally(() => other)
      return 'never sent'
    })
    app.get('/slow', async () => {
      arrived.open()
      await goOn.opened
      return 'never sent'
    })
  })
  const told = async (path: string, code: string): Promise<void> => {
    assert.is((await visitor.get(path)).status, 500, path)
    const codes = server.errors.splice(0).map((error) => error.code)
    assert.ok(codes.length > 0 && codes.every((told) => told === code), `${path}: ${codes.join()}`)
  }
  const visitor = server.visitor()
  try {
    assert.is(await visitor.read('/'), 'fine')
    await told('/busy', 'COATCHECK_OVERLOADED')
    assert.is(await visitor.read('/'), 'fine')
    const late = told('/slow', 'COATCHECK_CLOSED')
    await arrived.opened
    await own.close()
    goOn.open()
    await late
    await told('/', 'COATCHECK_CLOSED')
  } finally {
    await server.close()
  }
})

test.run()
