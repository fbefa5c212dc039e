import { SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import type { Express } from 'express'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { destroyIn, getFrom, setIn } from './callbacks.js'
import { Browser, startServer, type TestServer } from './express-server.js'
import { Gate } from './gate.js'

interface Context {
  engine: SessionEngine<object>
  store: CoatcheckStore
  server: TestServer
  browser: Browser
  /** A slow request has its session in its hands. */
  arrived: Gate
  /** The slow request may go on. */
  goOn: Gate
}

const test = suite<Context>('express store: a logout stays a logout')

test.before((context) => {
  context.engine = new SessionEngine<object>({ directory: temporaryDirectory() })
})

test.before.each(async (context) => {
  context.store = new CoatcheckStore({ engine: context.engine })
  context.arrived = new Gate()
  context.goOn = new Gate()
  const options = { resave: true, saveUninitialized: true }
  context.server = await startServer(context.store, (app) => addRoutes(app, context), options)
  context.browser = new Browser(context.server)
})

test.after.each(async ({ server }) => {
  await server.close()
})

test.after(async ({ engine }) => {
  await engine.close()
})

function addRoutes(app: Express, { arrived, goOn }: Context): void {
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  app.get('/slow', async (request, response) => {
    request.session.note = 'slow'
    arrived.open()
    await goOn.opened
    response.send('slow')
  })
  app.get('/slow-new', async (request, response) => {
    request.session.note = 'first'
    request.session.save(() => arrived.open())
    await goOn.opened
    request.session.note = 'second'
    response.send(request.sessionID)
  })
  app.get('/logout', (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.send('bye')))
  })
  app.get('/login', (request, response, next) => {
    request.session.regenerate((error) => (error ? next(error) : response.send('hello')))
  })
  app.get('/slow-reload', async (request, response) => {
    await new Promise<void>((resolve, reject) => {
      request.session.reload((error) => (error ? reject(error) : resolve()))
    })
    request.session.note = 'reloaded'
    arrived.open()
    await goOn.opened
    response.send('slow')
  })
}

for (const way of ['/logout', '/login']) {
  for (const slow of ['/slow', '/slow-reload']) {
    test(`${slow} does not undo a ${way}`, async ({ engine, server, browser, arrived, goOn }) => {
      await browser.visit('/visit')
      const { key, cookie } = browser
      const late = new Browser(server, cookie).request(slow)
      await arrived.opened
      await browser.visit(way)
      assert.not(await engine.exists(key))
      goOn.open()
      const response = await late
      assert.is(response.status, 200)
      assert.is(await response.text(), 'slow')
      assert.not(await engine.exists(key), 'the session is back')
      assert.equal(server.errors, [])
      // Whoever still has the cookie gets a new, empty session.
      const next = new Browser(server, cookie)
      assert.is(await next.visit('/visit'), '1')
      assert.is.not(next.key, key)
    })
  }
}

test('a new session that was saved and deleted within one request stays deleted', async (context) => {
  const { engine, store, server, browser, arrived, goOn } = context
  const late = browser.visit('/slow-new')
  await arrived.opened
  const keys: string[] = []
  for await (const key of engine.keys()) keys.push(key)
  for (const key of keys) await destroyIn(store, key)
  goOn.open()
  assert.ok(keys.includes(await late))
  assert.not(await engine.exists(browser.key))
  assert.equal(server.errors, [])
})

test('a new session that was saved within a request is saved again at its end', async (context) => {
  const { engine, browser, goOn } = context
  goOn.open()
  const key = await browser.visit('/slow-new')
  assert.is(((await engine.load(key)) as { note?: string }).note, 'second')
})

test('parallel requests on one session all succeed, and one of them wins whole', async (context) => {
  const { server, browser, engine } = context
  await browser.visit('/visit')
  const answers = Array.from({ length: 20 }, () => new Browser(server, browser.cookie).visit('/visit'))
  const counts = (await Promise.all(answers)).map(Number)
  const stored = ((await engine.load(browser.key)) as { visits: number }).visits
  assert.ok(counts.includes(stored), `${stored} is none of ${counts.join()}`)
  assert.is(await browser.visit('/visit'), String(stored + 1))
})

test('a copy of the session under another key is stored, and changes nothing for the session', async (context) => {
  const { store, engine } = context
  const request = { sessionID: 'original', sessionStore: store }
  await setIn(store, 'original', { cookie: {}, visits: 1 })
  const data = await getFrom(store, 'original')
  if (data === null || data === undefined) throw new Error('not found')
  const live = store.createSession(request as never, data)
  await setIn(store, 'copy', live)
  assert.is((await getFrom(store, 'copy'))?.visits, 1)
  await destroyIn(store, 'original')
  await setIn(store, 'original', live)
  assert.not(await engine.exists('original'))
})

test('a session that was made from data of elsewhere is stored', async ({ store, engine }) => {
  const data = { cookie: { originalMaxAge: 60_000, path: '/' } }
  const live = store.createSession({ sessionID: 'guest' } as never, data as never)
  await setIn(store, 'guest', live)
  assert.ok(await engine.exists('guest'))
})

test('data that were loaded under the key of another session are stored as a new one', async (context) => {
  const { store, engine } = context
  await setIn(store, 'template', { cookie: {}, visits: 7 })
  const data = await getFrom(store, 'template')
  if (data === null || data === undefined) throw new Error('not found')
  const request = { sessionID: 'its-own', sessionStore: store }
  await setIn(store, 'its-own', store.createSession(request as never, data))
  assert.is((await getFrom(store, 'its-own'))?.visits, 7)
  assert.ok(await engine.exists('template'))
})

test('a store without its engine answers with an error, before and after the handler', async () => {
  const store = new CoatcheckStore({ directory: temporaryDirectory() })
  const arrived = new Gate()
  const goOn = new Gate()
  const server = await startServer(store, (app) => addRoutes(app, { arrived, goOn } as Context))
  const browser = new Browser(server)
  try {
    await browser.visit('/visit')
    const late = new Browser(server, browser.cookie).visit('/slow')
    await arrived.opened
    await store.close()
    const failure = server.nextError()
    goOn.open()
    assert.is(await late, 'slow')
    assert.is(((await failure) as { code: string }).code, 'COATCHECK_CLOSED')
    const response = await browser.request('/visit')
    assert.is(response.status, 500)
    assert.is(server.errors.length, 2)
  } finally {
    await server.close()
  }
})

test('a first save that failed is repeated by the next', async () => {
  const engine = new FailingEngine({ directory: temporaryDirectory() })
  const store = new CoatcheckStore({ engine })
  const request = { sessionID: 'a', sessionStore: store }
  const live = Object.defineProperties({ cookie: {} }, { id: { value: 'a' }, req: { value: request } })
  engine.failing = true
  const failed = setIn(store, 'a', live).then(
    () => 'stored',
    (error: Error) => error.message,
  )
  const second = setIn(store, 'a', live).then(
    () => 'stored',
    (error: Error) => error.message,
  )
  assert.is(await failed, 'disk full')
  // It was never stored: so this is no logout to respect, but a first save itself, and told its own failure.
  assert.is(await second, 'disk full')
  engine.failing = false
  await setIn(store, 'a', live)
  assert.ok(await engine.exists('a'))
  await store.engine.close()
})

class FailingEngine extends SessionEngine<object> {
  failing = false

  override save(...values: Parameters<SessionEngine<object>['save']>): Promise<void> {
    return this.failing ? Promise.reject(new Error('disk full')) : super.save(...values)
  }
}

test.run()
