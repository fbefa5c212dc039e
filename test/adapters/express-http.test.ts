import { json, msgpack, SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import type { SessionOptions } from 'express-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { CountedStore } from './counted-store.js'
import { addRoutes } from './express-routes.js'
import { Browser, startServer, type TestServer } from './express-server.js'

interface Context {
  engine: SessionEngine<object>
  store: CountedStore
  server: TestServer
  open: (options?: Partial<SessionOptions>) => Promise<Browser>
}

for (const codec of [msgpack(), json()]) {
  const test = suite<Context>(`express store: over HTTP with ${codec.name}`)

  test.before((context) => {
    context.engine = new SessionEngine<object>({ directory: temporaryDirectory(), codec })
  })

  test.before.each((context) => {
    context.store = new CountedStore({ engine: context.engine })
    context.open = async (options) => {
      context.server = await startServer(context.store, addRoutes, options)
      return new Browser(context.server)
    }
  })

  test.after.each(async ({ server }) => {
    await server.close()
  })

  test.after(async ({ engine }) => {
    await engine.close()
  })

  test('a session lives from request to request', async ({ open, store }) => {
    const browser = await open()
    for (const visits of ['1', '2', '3']) assert.is(await browser.visit('/visit'), visits)
    assert.is(await browser.visit('/look'), '3')
    assert.ok(await store.engine.exists(browser.key))
  })

  test('a session survives the engine', async ({ open }) => {
    const directory = temporaryDirectory()
    const before = new CoatcheckStore({ directory, codec })
    const first = await startServer(before, addRoutes)
    const browser = new Browser(first)
    await browser.visit('/visit')
    await first.close()
    await before.close()
    const after = new CoatcheckStore({ directory, codec })
    const second = await startServer(after, addRoutes)
    assert.is(await new Browser(second, browser.cookie).visit('/visit'), '2')
    await second.close()
    await after.close()
    await open()
  })

  test('saveUninitialized: false stores nothing that was not changed', async ({ open, store }) => {
    const browser = await open()
    await browser.visit('/look')
    assert.is(browser.cookie, undefined)
    assert.equal(store.take(), {})
  })

  test('saveUninitialized: true stores every session', async ({ open, store }) => {
    const browser = await open({ saveUninitialized: true })
    await browser.visit('/look')
    assert.equal(store.take(), { set: 1 })
    assert.ok(await store.engine.exists(browser.key))
  })

  test('resave: false touches what was not changed', async ({ open, store }) => {
    const browser = await open({ cookie: { maxAge: 60_000 } })
    await browser.visit('/visit')
    assert.equal(store.take(), { set: 1 })
    await browser.visit('/look')
    assert.equal(store.take(), { get: 1, touch: 1 })
    await browser.visit('/visit')
    assert.equal(store.take(), { get: 1, set: 1 })
  })

  test('resave: true saves every time', async ({ open, store }) => {
    const browser = await open({ resave: true })
    await browser.visit('/visit')
    store.take()
    await browser.visit('/look')
    assert.equal(store.take(), { get: 1, set: 1 })
    assert.is(await browser.visit('/look'), '1')
  })

  test('rolling: true sends the cookie anew, with its expiry', async ({ open }) => {
    const browser = await open({ rolling: true, cookie: { maxAge: 60_000 } })
    await browser.visit('/visit')
    const response = await browser.request('/look')
    assert.match(response.headers.getSetCookie()[0] ?? '', /Expires=/)
    assert.is(await response.text(), '1')
  })

  test('a cookie is as express-session made it', async ({ open }) => {
    const browser = await open({ cookie: { maxAge: 60_000 } })
    await browser.visit('/visit')
    assert.equal(JSON.parse(await browser.visit('/cookie')), { date: true, originalMaxAge: 60_000 })
  })

  test('a session that was only touched for longer than its cookie says survives save()', async (context) => {
    const browser = await context.open({ cookie: { maxAge: 60_000 } })
    await browser.visit('/visit')
    // As after an hour of touching: the session is alive, the expiry in its cookie is long past.
    const cookie = { originalMaxAge: 60_000, expires: new Date(Date.now() - 3_600_000), path: '/' }
    await context.engine.save(browser.key, { cookie, visits: 1 }, { maxAge: 60 })
    assert.is(await browser.visit('/save-reload'), '10')
    assert.is(await browser.visit('/look'), '10')
  })

  test('save() and reload() in a request', async ({ open }) => {
    const browser = await open()
    assert.is(await browser.visit('/save-reload'), '10')
    assert.is(await browser.visit('/look'), '10')
  })

  test('reload() of a deleted session is the error of express-session', async ({ open }) => {
    const browser = await open()
    await browser.visit('/visit')
    assert.is(await browser.visit('/reload-lost'), 'failed')
  })

  test('regenerate() gives a new session under a new key and deletes the old', async ({ open, engine }) => {
    const browser = await open()
    await browser.visit('/visit')
    const before = browser.key
    assert.is(await browser.visit('/regenerate'), browser.key)
    assert.is.not(browser.key, before)
    assert.not(await engine.exists(before))
    assert.is(((await engine.load(browser.key)) as { note?: string }).note, 'new')
    assert.is(await browser.visit('/look'), 'undefined')
  })

  test('destroy() deletes', async ({ open, engine }) => {
    const browser = await open({ resave: true, saveUninitialized: true })
    await browser.visit('/visit')
    const before = browser.key
    assert.is(await browser.visit('/destroy'), 'destroyed')
    assert.not(await engine.exists(before))
    assert.is(await browser.visit('/visit'), '1')
    assert.is.not(browser.key, before)
  })

  test("unset: 'destroy' deletes", async ({ open, engine }) => {
    const browser = await open({ unset: 'destroy' })
    await browser.visit('/visit')
    await browser.visit('/unset')
    assert.not(await engine.exists(browser.key))
  })

  test('a fixed key is a session again after it was deleted', async ({ open }) => {
    const browser = await open({ genid: () => 'always the same' })
    await browser.visit('/visit')
    await browser.visit('/regenerate')
    await browser.visit('/destroy')
    assert.is(await browser.visit('/visit'), '1')
    assert.is(await browser.visit('/visit'), '2')
  })

  test('many browsers at once keep their sessions apart', async (context) => {
    await context.open()
    const browsers = Array.from({ length: 20 }, () => new Browser(context.server))
    const rounds = [1, 2, 3]
    const visits = browsers.map(async (browser, index) => {
      for (const _ of rounds.slice(index % 3)) await browser.visit('/visit')
      return browser.visit('/look')
    })
    assert.equal(
      await Promise.all(visits),
      browsers.map((_, index) => String(3 - (index % 3))),
    )
  })

  test('between disconnect and connect requests have no session', async ({ open, store }) => {
    const browser = await open()
    await browser.visit('/visit')
    store.emit('disconnect')
    assert.is(await browser.visit('/look'), 'no session')
    store.emit('connect')
    assert.is(await browser.visit('/look'), '1')
  })

  test.run()
}
