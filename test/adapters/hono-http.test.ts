import { files, json, msgpack, SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/hono'
import type { SessionOptions } from 'hono-sessions'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { addHonoRoutes } from './hono-routes.js'
import { HonoBrowser, type HonoServer, startHono } from './hono-server.js'

interface Context {
  engine: SessionEngine<object>
  store: CoatcheckStore
  server: HonoServer
  open: (options?: Partial<SessionOptions>) => Promise<HonoBrowser>
}

const ENCRYPTION_KEY = 'a key of these tests, and of nothing else'

for (const codec of [msgpack(), json()]) {
  const test = suite<Context>(`hono store: over HTTP with ${codec.name}`)

  test.before((context) => {
    context.engine = new SessionEngine<object>({
      directory: temporaryDirectory('memory'),
      codec,
      threads: 1,
    })
    context.store = new CoatcheckStore({ engine: context.engine })
  })

  test.before.each((context) => {
    context.open = async (options) => {
      context.server = await startHono(context.store, addHonoRoutes, options)
      return new HonoBrowser(context.server)
    }
  })

  test.after.each(async ({ server }) => {
    await server.close()
  })

  test.after(async ({ engine }) => {
    await engine.close()
  })

  test('a session lives from request to request', async ({ open, engine }) => {
    const browser = await open()
    for (const visits of ['1', '2', '3']) assert.is(await browser.visit('/visit'), visits)
    assert.is(await browser.visit('/look'), '3')
    assert.ok(await engine.exists(browser.key))
  })

  test('what is stored does not repeat its key', async ({ open, engine }) => {
    const browser = await open()
    await browser.visit('/visit')
    await browser.visit('/visit')
    const stored = await engine.load(browser.key)
    assert.equal(Object.keys(stored ?? {}).sort(), ['_accessed', '_data', '_delete', '_expire'])
    assert.not(JSON.stringify(stored).includes(browser.key))
  })

  test('with an encryption key the cookie does not tell the key of the session', async ({ open, engine }) => {
    const browser = await open({ encryptionKey: ENCRYPTION_KEY })
    await browser.visit('/visit')
    assert.is(await browser.visit('/visit'), '2')
    assert.match(browser.key, /^Fe26/)
    for await (const key of engine.keys()) assert.not(browser.cookie?.includes(key))
  })

  test('flash messages are read once, forgotten values are gone', async ({ open }) => {
    const browser = await open()
    await browser.visit('/flash')
    assert.is(await browser.visit('/note'), 'once')
    assert.is(await browser.visit('/note'), 'null')
    await browser.visit('/visit')
    await browser.visit('/forget')
    assert.is(await browser.visit('/look'), 'null')
  })

  test('values come back as the codec has them', async ({ open }) => {
    const browser = await open()
    await browser.visit('/date')
    assert.is(await browser.visit('/date'), codec.name === 'msgpack' ? '5' : 'none')
  })

  test('a deleted session is gone, and the next request gets a new one', async ({ open, engine }) => {
    const browser = await open()
    await browser.visit('/visit')
    const before = browser.key
    await browser.visit('/logout')
    assert.not(await engine.exists(before))
    assert.is(await browser.visit('/visit'), '1')
    assert.is.not(browser.key, before)
  })

  test('rotation moves a session to a new key', async ({ open, engine }) => {
    const browser = await open()
    await browser.visit('/visit')
    const before = browser.key
    await browser.visit('/rotate')
    assert.is.not(browser.key, before)
    assert.not(await engine.exists(before))
    assert.is(await browser.visit('/visit'), '2')
  })

  test('a session expires when hono-sessions says, and each request moves it', async ({ open, engine }) => {
    const browser = await open({ expireAfterSeconds: 100 })
    await browser.visit('/visit')
    const life = async () => {
      const found = await engine.loadWithExpiry(browser.key)
      return (found?.expires.getTime() ?? 0) - Date.now()
    }
    assert.ok((await life()) > 60_000 && (await life()) <= 100_000, `${await life()}`)
    await engine.touch(browser.key, { maxAge: 50 })
    assert.is(await browser.visit('/look'), '1')
    assert.ok((await life()) > 60_000, `${await life()}`)
  })

  test('without expiry a session lives as long as the engine says', async ({ open, engine }) => {
    const browser = await open()
    await browser.visit('/visit')
    const found = await engine.loadWithExpiry(browser.key)
    const seconds = ((found?.expires.getTime() ?? 0) - Date.now()) / 1000
    assert.ok(seconds > 1_209_000 && seconds <= 1_209_600, `${seconds}`)
  })

  test('an expired session is a new one under a new key', async ({ open, engine }) => {
    const browser = await open({ expireAfterSeconds: 100 })
    await browser.visit('/visit')
    const before = browser.key
    await engine.touch(before, { expires: new Date(0) })
    assert.is(await browser.visit('/visit'), '1')
    assert.is.not(browser.key, before)
  })

  test('what nobody has stored is one load and a new session, never under the key that came', async (context) => {
    const browser = await context.open()
    await browser.visit('/visit')
    const { key } = browser
    const forgeries = [
      'forged',
      key.slice(0, -1),
      `${key}x`,
      '../../etc/passwd',
      '%00',
      '..',
      'a'.repeat(257),
      'b'.repeat(5000),
      '__proto__',
    ]
    for (const forged of forgeries) {
      const { accepted } = context.engine.stats()
      const visitor = new HonoBrowser(context.server, `session=${forged}`)
      assert.is(await visitor.visit('/visit'), '1', forged)
      assert.is.not(visitor.key, forged)
      assert.match(visitor.key, /^[0-9a-f-]{36}$/)
      const { accepted: after } = context.engine.stats()
      // A load, if there can be such a key, then create and update of the new session.
      assert.is(after - accepted, decodeURIComponent(forged).length > 256 ? 2 : 3, forged)
      if (forged.length <= 256) assert.not(await context.engine.exists(decodeURIComponent(forged)))
    }
    assert.equal(context.server.errors, [])
    assert.is(await browser.visit('/visit'), '2')
  })

  test('a cookie larger than HTTP allows is refused, and nothing is stored', async (context) => {
    const browser = await context.open()
    await browser.visit('/visit')
    const { accepted } = context.engine.stats()
    const response = await new HonoBrowser(context.server, `session=${'x'.repeat(40_000)}`).request('/visit')
    assert.is(response.status, 431)
    assert.is(context.engine.stats().accepted, accepted)
  })

  test('a forged encrypted cookie is a new session', async (context) => {
    const browser = await context.open({ encryptionKey: ENCRYPTION_KEY })
    await browser.visit('/visit')
    const { cookie = '' } = browser
    for (const forged of [cookie.slice(0, -3), `${cookie.slice(0, -1)}!`, 'session=plain']) {
      assert.is(await new HonoBrowser(context.server, forged).visit('/visit'), '1')
    }
    assert.is(await browser.visit('/visit'), '2')
  })

  test('a record of somebody else is no session, and stays', async (context) => {
    await context.open()
    await context.engine.save('somebody', { cookie: { path: '/' }, user: 7 })
    const visitor = new HonoBrowser(context.server, 'session=somebody')
    assert.is(await visitor.visit('/visit'), '1')
    assert.is.not(visitor.key, 'somebody')
    assert.equal(await context.engine.load('somebody'), { cookie: { path: '/' }, user: 7 })
  })

  test('many browsers at once keep their sessions apart', async (context) => {
    await context.open()
    const browsers = Array.from({ length: 20 }, () => new HonoBrowser(context.server))
    const visits = browsers.map(async (browser, index) => {
      for (const _ of [1, 2, 3].slice(index % 3)) await browser.visit('/visit')
      return browser.visit('/look')
    })
    assert.equal(
      await Promise.all(visits),
      browsers.map((_, index) => String(3 - (index % 3))),
    )
  })

  test.run()
}

const restart = suite('hono store: over two engines')

restart('a session survives the engine', async () => {
  const storage = () => files({ directory, layout: 'flat', prefix: 'hono' })
  const directory = temporaryDirectory()
  const before = new CoatcheckStore({ storage: storage(), threads: 1 })
  const first = await startHono(before, addHonoRoutes)
  const browser = new HonoBrowser(first)
  await browser.visit('/visit').finally(() => first.close())
  await before.close()
  const after = new CoatcheckStore({ storage: storage(), threads: 1 })
  const second = await startHono(after, addHonoRoutes)
  const visits = await new HonoBrowser(second, browser.cookie).visit('/visit').finally(() => second.close())
  assert.is(visits, '2')
  await after.close()
})

restart.run()
