import type { RequestHandler } from 'express'
import type { SessionData, SessionOptions } from 'express-session'
import * as assert from 'uvu/assert'
import { answerOf, getFrom, setIn } from './callbacks.js'
import type { CountedStore } from './counted-store.js'
import { answer, behaviourSuite, countHits, lengthOf } from './express-behaviour.js'
import { Browser } from './express-server.js'

const test = behaviourSuite('express store: fetching and storing')

/** A save, a touch or a deletion that fails, and what Express's error handler heard by then. */
function failing(store: CountedStore, method: 'get' | 'set' | 'touch' | 'destroy', error: Error): void {
  Object.assign(store, {
    [method](...values: unknown[]) {
      const callback = values.at(-1) as (error: Error) => void
      callback(error)
    },
  })
}

test('a session that cannot be fetched is an error, ENOENT a new session', async ({
  open,
  store,
  server: _,
}) => {
  const browser = await open(countHits)
  await browser.visit('/')
  failing(store, 'get', new Error('boom'))
  assert.is((await browser.request('/')).status, 500)
  failing(store, 'get', Object.assign(new Error('boom'), { code: 'ENOENT' }))
  assert.is(await browser.visit('/'), 'hits: 1')
})

for (const [method, options, last] of [
  ['set', {}, countHits],
  ['touch', { resave: false }, answer],
  [
    'destroy',
    { unset: 'destroy' },
    (request, response) => {
      Reflect.set(request, 'session', null)
      response.end('destroyed')
    },
  ],
] as readonly [
  method: 'set' | 'touch' | 'destroy',
  options: Partial<SessionOptions>,
  last: RequestHandler,
][]) {
  test(`a ${method} that fails is told to Express, after the answer`, async (context) => {
    let handler: RequestHandler = countHits
    const browser = await context.open((...values) => handler(...values), options)
    await browser.visit('/')
    handler = last
    failing(context.store, method, new Error('boom'))
    const told = context.server.nextError()
    assert.is((await browser.request('/')).status, 200)
    assert.is(((await told) as Error).message, 'boom')
  })
}

test('a key that is not in the store gets a new session under a new key', async ({ open, engine }) => {
  const browser = await open(countHits)
  await browser.visit('/')
  const { key } = browser
  await engine.clear()
  assert.is(await browser.visit('/'), 'hits: 1')
  assert.is.not(browser.key, key)
})

test('a key that exists nowhere is answered by one load', async ({ open, engine, store }) => {
  const browser = await open(countHits, { resave: false, saveUninitialized: false })
  await browser.visit('/')
  await engine.delete(browser.key)
  const { accepted } = engine.stats()
  assert.is(await getFrom(store, browser.key), null)
  assert.is(engine.stats().accepted - accepted, 1)
  // The load, and the save of the new session.
  assert.is(await browser.visit('/'), 'hits: 1')
  assert.is(engine.stats().accepted - accepted, 3)
})

test('a cookie that is not signed, or wrongly, is not looked for', async (context) => {
  const browser = await context.open(countHits)
  await browser.visit('/')
  const { cookie = '', key } = browser
  context.store.take()
  const [name, value = ''] = cookie.split('=')
  for (const forged of [key, value.slice(0, -1), value.replace(/.\./, '.'), `${value}x`, 'x'.repeat(5000)]) {
    const visitor = new Browser(context.server, `${name}=${forged}`)
    assert.is(await visitor.visit('/'), 'hits: 1')
    assert.is.not(visitor.key, key)
  }
  assert.equal(context.store.take(), { set: 5 })
})

test('a signed key that no store could have is an error, and nothing is stored', async (context) => {
  const browser = await context.open(countHits, { genid: () => 'x'.repeat(257) })
  const told = context.server.nextError()
  await browser.visit('/')
  assert.is(((await told) as { code?: string }).code, 'COATCHECK_INVALID_KEY')
  assert.is((await browser.request('/')).status, 500)
  assert.is(await lengthOf(context.store), 0)
})

test('an expired session is a new one under a new key, and counts nowhere', async ({
  open,
  store,
  engine,
}) => {
  const browser = await open(countHits)
  await browser.visit('/')
  const { key } = browser
  await engine.touch(key, { expires: new Date(0) })
  assert.is(await lengthOf(store), 0)
  assert.equal(await answerOf((callback) => store.all(callback)), [])
  assert.is(await browser.visit('/'), 'hits: 1')
  assert.is.not(browser.key, key)
})

for (const [kind, handler] of [
  ['with a body', (_request, response) => void response.end('saved')],
  ['without a body', (_request, response) => void response.set('content-length', '0').end()],
  [
    'in pieces',
    (_request, response) => {
      response.set('content-length', '5').write('sa')
      response.end('ved')
    },
  ],
  ['of a known length', (_request, response) => void response.set('content-length', '5').end('saved')],
] as readonly [string, RequestHandler][]) {
  test(`when an answer ${kind} has arrived, the session is stored`, async ({ open, engine, store }) => {
    const browser = await open((request, response, next) => {
      request.session.visits = 7
      handler(request, response, next)
    })
    const text = await browser.visit('/')
    assert.is(text, kind === 'without a body' ? '' : 'saved')
    assert.is(((await engine.load(browser.key)) as SessionData).visits, 7)
    assert.equal(store.take(), { set: 1 })
  })
}

test('what a store holds under a name that sessions use is left out', async ({ open, store }) => {
  const browser = await open(countHits)
  await browser.visit('/')
  const data = await getFrom(store, browser.key)
  await setIn(store, browser.key, { ...data, save: 'no function' })
  assert.is(await browser.visit('/'), 'hits: 2')
})

test('a session without a cookie is a miss: somebody else has stored it', async ({ open, store, engine }) => {
  const browser = await open(countHits)
  await browser.visit('/')
  const { key } = browser
  await setIn(store, key, { visits: 5 })
  assert.is(await browser.visit('/'), 'hits: 1')
  assert.is.not(browser.key, key)
  assert.equal(await engine.load(key), { visits: 5 })
})

test('nothing is stored under what is no key', async ({ open, store }) => {
  const browser = await open((request, response) => {
    Reflect.set(request, 'sessionID', () => undefined)
    request.session.visits = 1
    response.end()
  })
  await browser.visit('/')
  assert.is(browser.cookie, undefined)
  assert.is(await lengthOf(store), 0)
})

test.run()
