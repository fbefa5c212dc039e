import { SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/hono'
import type { SessionData, Store } from 'hono-sessions'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../conformance/rejections.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Gate } from './gate.js'
import { addHonoRoutes } from './hono-routes.js'
import { type HonoApp, HonoBrowser, type HonoServer, startHono } from './hono-server.js'

const OVERLAPPING = 64

interface Context {
  engine: FailingEngine
  store: CoatcheckStore
  server: HonoServer
  browser: HonoBrowser
  slow: SlowRoute
}

/** An engine whose disk has a bad moment. */
class FailingEngine extends SessionEngine<object> {
  failing: 'load' | 'update' | 'create' | undefined

  override load(key: string): Promise<object | undefined> {
    return this.failing === 'load' ? Promise.reject(new Error('unreadable')) : super.load(key)
  }

  override update(...values: Parameters<SessionEngine<object>['update']>): Promise<void> {
    return this.failing === 'update' ? Promise.reject(new Error('disk full')) : super.update(...values)
  }

  override create(...values: Parameters<SessionEngine<object>['create']>): Promise<void> {
    return this.failing === 'create' ? Promise.reject(new Error('disk full')) : super.create(...values)
  }
}

/** Two routes whose handlers wait until they may go on. */
class SlowRoute {
  readonly goOn = new Gate()
  readonly goOnLater = new Gate()
  readonly #all = new Gate()
  #missing: number

  constructor(expected: number) {
    this.#missing = expected
  }

  /** Resolves when all have their session in their hands. */
  get arrived(): Promise<void> {
    return this.#all.opened
  }

  add(app: HonoApp): void {
    for (const [path, gate] of [
      ['/slow', this.goOn],
      ['/slower', this.goOnLater],
    ] as const) {
      app.get(path, async (context) => {
        context.get('session').set('note', path)
        if (context.req.query('rotate') !== undefined) context.set('session_key_rotation', true)
        if (--this.#missing === 0) this.#all.open()
        await gate.opened
        return context.text(path)
      })
    }
  }
}

const test = suite<Context>('hono store: failures and logouts')

test.before((context) => {
  context.engine = new FailingEngine({ directory: temporaryDirectory('memory'), threads: 1 })
  context.store = new CoatcheckStore({ engine: context.engine })
})

test.before.each(async (context) => {
  context.engine.failing = undefined
  context.slow = new SlowRoute(OVERLAPPING)
  context.server = await startHono(context.store, (app) => {
    addHonoRoutes(app)
    context.slow.add(app)
  })
  context.browser = new HonoBrowser(context.server)
})

test.after.each(async ({ server }) => {
  await server.close()
})

test.after(async ({ engine }) => {
  await engine.close()
})

for (const way of ['/logout', '/rotate']) {
  test(`${way} among ${OVERLAPPING} overlapping saves stands`, async ({ engine, server, browser, slow }) => {
    await browser.visit('/visit')
    const { key, cookie } = browser
    const late = Array.from({ length: OVERLAPPING }, (_, number) =>
      new HonoBrowser(server, cookie).request(number % 2 === 0 ? '/slow' : '/slower'),
    )
    await slow.arrived
    // Half of them end while the visitor leaves, the others after he has left.
    slow.goOn.open()
    await browser.visit(way)
    slow.goOnLater.open()
    for (const response of await Promise.all(late)) assert.is(response.status, 200)
    assert.not(await engine.exists(key), 'the session is back')
    assert.equal(server.errors, [])
    const next = new HonoBrowser(server, cookie)
    assert.is(await next.visit('/visit'), '1')
    assert.is.not(next.key, key)
  })
}

for (const way of ['/logout', '/rotate']) {
  test(`${way} is not undone by ${OVERLAPPING} slow requests that rotate the key`, async (context) => {
    const { engine, server, browser, slow } = context
    await engine.clear()
    await browser.visit('/visit')
    const others = Array.from({ length: OVERLAPPING }, () => new HonoBrowser(server, browser.cookie))
    const late = others.map((other) => other.request('/slow?rotate'))
    await slow.arrived
    await browser.visit(way)
    slow.goOn.open()
    for (const response of await Promise.all(late)) assert.is(response.status, 200)
    assert.is(await engine.count(), way === '/logout' ? 0 : 1)
    assert.equal(server.errors, [])
    const [other] = others
    assert.is(await other?.visit('/note'), 'null')
  })
}

test(`a logout among ${OVERLAPPING} rotations of the key leaves one session at the most`, async (context) => {
  const { engine, server, browser, slow } = context
  await engine.clear()
  await browser.visit('/visit')
  const others = Array.from({ length: OVERLAPPING }, () => new HonoBrowser(server, browser.cookie))
  const late = others.map((other) => other.request('/slow?rotate'))
  await slow.arrived
  slow.goOn.open()
  await browser.visit('/logout')
  for (const response of await Promise.all(late)) assert.is(response.status, 200)
  // None where the logout came first, one where a rotation did: then the logout found nothing.
  const count = await engine.count()
  assert.ok(count <= 1, `${count} sessions`)
  assert.equal(server.errors, [])
})

test('rotations of several visitors at a time do not get mixed up', async ({ engine, server, slow }) => {
  await engine.clear()
  const visitors = Array.from({ length: OVERLAPPING / 2 }, () => new HonoBrowser(server))
  await Promise.all(visitors.map((visitor) => visitor.visit('/visit')))
  const twins = visitors.map(({ cookie }) => new HonoBrowser(server, cookie))
  const late = [...visitors, ...twins].map((visitor) => visitor.request('/slow?rotate'))
  await slow.arrived
  slow.goOn.open()
  for (const response of await Promise.all(late)) assert.is(response.status, 200)
  assert.is(await engine.count(), visitors.length)
  for (const [index, visitor] of visitors.entries()) {
    const kept = [visitor, twins[index]].map(async (one) => (await engine.exists(one?.key ?? '')) === true)
    assert.is((await Promise.all(kept)).filter(Boolean).length, 1)
  }
  assert.equal(server.errors, [])
})

test('overlapping saves of one session all succeed, and one of them wins whole', async ({
  engine,
  server,
  browser,
}) => {
  await browser.visit('/visit')
  const answers = Array.from({ length: OVERLAPPING }, () =>
    new HonoBrowser(server, browser.cookie).visit('/visit'),
  )
  const counts = await Promise.all(answers)
  const stored = (await engine.load(browser.key)) as SessionData
  assert.ok(counts.includes(String(stored._data.visits?.value)))
  assert.equal(server.errors, [])
})

test('a load that fails is the error of the application, and no logout', async ({
  engine,
  server,
  browser,
}) => {
  await browser.visit('/visit')
  const { cookie } = browser
  engine.failing = 'load'
  const response = await browser.request('/visit')
  assert.is(response.status, 500)
  assert.is((server.errors[0] as Error).message, 'unreadable')
  assert.equal(response.headers.getSetCookie(), [])
  assert.is(browser.cookie, cookie)
  engine.failing = undefined
  assert.is(await browser.visit('/visit'), '2', 'still logged in')
})

test('a save that fails is the error of the application, and the old session stays', async (context) => {
  const { engine, server, browser } = context
  await browser.visit('/visit')
  engine.failing = 'update'
  assert.is((await browser.request('/visit')).status, 500)
  assert.is((server.errors[0] as Error).message, 'disk full')
  engine.failing = undefined
  assert.is(await browser.visit('/look'), '1')
})

test('a session that cannot be created is the error of the application', async (context) => {
  context.engine.failing = 'create'
  assert.is((await context.browser.request('/visit')).status, 500)
  assert.is((context.server.errors[0] as Error).message, 'disk full')
})

test('a session that cannot be encoded is the error of the application, and the old one stays', async (context) => {
  const { server, browser } = context
  await browser.visit('/visit')
  const response = await browser.request('/unencodable')
  assert.is(response.status, 500)
  const error = server.errors[0] as { code: string; message: string; path: string }
  assert.is(error.code, 'COATCHECK_ENCODE')
  assert.is(error.path, '_data.note.value')
  assert.not(error.message.includes(browser.key))
  assert.is(await browser.visit('/look'), '1')
})

test('an engine that is closed is the error of the application, before and after the handler', async () => {
  const store = new CoatcheckStore({ directory: temporaryDirectory('memory'), threads: 1 })
  const slow = new SlowRoute(1)
  const server = await startHono(store, (app) => {
    addHonoRoutes(app)
    slow.add(app)
  })
  try {
    const browser = new HonoBrowser(server)
    await browser.visit('/visit')
    const late = new HonoBrowser(server, browser.cookie).request('/slow')
    await slow.arrived
    await store.close()
    slow.goOn.open()
    assert.is((await late).status, 500)
    for (const visitor of [browser, new HonoBrowser(server)]) {
      assert.is((await visitor.request('/look')).status, 500)
    }
    assert.equal(
      server.errors.map((error) => (error as { code: string }).code),
      ['COATCHECK_CLOSED', 'COATCHECK_CLOSED', 'COATCHECK_CLOSED'],
    )
  } finally {
    await server.close()
  }
})

test('an engine that is overloaded is the error of the application: a busy one, and no logout', async () => {
  const directory = temporaryDirectory('memory')
  const store = new CoatcheckStore({ directory, threads: 1, maxPending: { operations: 1 } })
  const server = await startHono(store, addHonoRoutes)
  try {
    const browser = new HonoBrowser(server)
    await browser.visit('/visit')
    const { cookie, key } = browser
    // Nothing is taken from the engine until this turn is over: so the request, which loads in it, finds it full.
    const waiting = new Gate()
    const load = store.engine.load.bind(store.engine)
    store.engine.load = (...values) => {
      const full = load('somebody else')
      void full.then(() => waiting.open())
      return load(...values)
    }
    const response = await browser.request('/visit')
    await waiting.opened
    assert.is(response.status, 503)
    assert.is((server.errors[0] as { code: string }).code, 'COATCHECK_OVERLOADED')
    assert.is(browser.cookie, cookie)
    store.engine.load = load
    assert.is(await browser.visit('/visit'), '2')
    assert.is(browser.key, key)
  } finally {
    await server.close()
    await store.close()
  }
})

test('the store by itself: a miss is undefined, ids that cannot be are misses, errors reject', async (context) => {
  const { store, engine } = context
  const typed: Store = store
  assert.is(await typed.getSessionById(), undefined)
  assert.is(await store.getSessionById('missing'), undefined)
  assert.is(await store.getSessionById('x'.repeat(257)), undefined)
  const data: SessionData = { _id: 'a', _data: {}, _expire: null, _delete: false, _accessed: null }
  await store.persistSessionData('a', data)
  assert.not(await engine.exists('a'), 'persisting never creates')
  await store.createSession('a', data)
  assert.is(
    ((await rejection(store.createSession('a', data), Error)) as { code?: string }).code,
    'COATCHECK_EXISTS',
  )
  assert.equal(await store.getSessionById('a'), { _data: {}, _expire: null, _delete: false, _accessed: null })
  const saved = store.persistSessionData('a', { ...data, _accessed: 'then' })
  await store.deleteSession('a')
  await saved
  assert.is(await store.getSessionById('a'), undefined)
  await store.deleteSession('a')
  await store.createSession('b', { ...data, _expire: new Date(0).toISOString() })
  assert.is(await store.getSessionById('b'), undefined)
  await rejection(store.createSession('c', { ...data, _expire: 'soon' }), TypeError)
  await rejection(store.createSession('c', null as never), Error)
  await rejection(store.createSession('', data), Error)
})

test('options are checked, and an engine that was given stays open', async ({ engine }) => {
  assert.throws(() => new CoatcheckStore({} as never), /option "storage" is undefined/)
  assert.throws(() => new CoatcheckStore({ engine: {} } as never), /option "engine" is \{\}/)
  // @ts-expect-error No such option.
  assert.throws(() => new CoatcheckStore({ directory: 'x', ttl: 7 }), /option "ttl" is 7/)
  const store = new CoatcheckStore({ engine })
  assert.is(store.engine, engine)
  await store.close()
  assert.is(await engine.load('nothing'), undefined)
})

test.run()
