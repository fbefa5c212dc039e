import type { SessionData } from 'express-session'
import * as assert from 'uvu/assert'
import { answerOf, getFrom } from './callbacks.js'
import { answer, behaviourSuite, countHits, expiryOf, lengthOf, MINUTE } from './express-behaviour.js'

const test = behaviourSuite('express store: the options of express-session')

test('each request moves the expiry, saved or only touched', async ({ open, store, engine }) => {
  for (const resave of [true, false]) {
    const browser = await open(
      (request, response) => {
        request.session.visits = 1
        response.end()
      },
      { resave },
    )
    await browser.visit('/')
    const { key } = browser
    // As if a while had passed since.
    const cookie = { originalMaxAge: MINUTE, expires: new Date(Date.now() + 20_000), path: '/' }
    await engine.save(key, { cookie, visits: 1 }, { expires: cookie.expires })
    store.take()
    await browser.visit('/')
    assert.equal(store.take(), resave ? { get: 1, set: 1 } : { get: 1, touch: 1 })
    const moved = await expiryOf(store, key)
    assert.ok(moved > Date.now() + 30_000, `${resave}: ${moved - Date.now()}`)
    // What the session says is what the engine does.
    assert.is((await engine.loadWithExpiry(key))?.expires.getTime(), moved)
  }
})

test('rolling sends the cookie anew, unless there is nothing to store', async ({ open, store }) => {
  const rolling = await open(countHits, { rolling: true })
  await rolling.visit('/')
  assert.is((await rolling.request('/')).headers.getSetCookie().length, 1)
  for (const [saveUninitialized, handler, stored] of [
    [false, answer, false],
    [true, answer, true],
    [false, countHits, true],
  ] as const) {
    store.take()
    const browser = await open(handler, { rolling: true, saveUninitialized })
    const response = await browser.request('/')
    await response.text()
    assert.is(response.headers.getSetCookie().length, stored ? 1 : 0)
    assert.equal(store.take(), stored ? { set: 1 } : {})
  }
})

test('resave: false stores what was changed, also below, also under the name cookie', async ({
  open,
  store,
}) => {
  let cookies = 1
  const browser = await open(
    (request, response) => {
      request.session.note = { cookie: cookies }
      response.end()
    },
    { resave: false },
  )
  const calls = async () => {
    await browser.visit('/')
    return store.take()
  }
  assert.equal(await calls(), { set: 1 })
  assert.equal(await calls(), { get: 1, touch: 1 })
  cookies = 2
  assert.equal(await calls(), { get: 1, set: 1 })
})

test('a session that was never stored is not touched', async ({ open, store }) => {
  const browser = await open(answer, { saveUninitialized: false })
  await browser.visit('/')
  assert.equal(store.take(), {})
})

test('all keys of secret are tried, the first signs', async ({ open }) => {
  const first = await open(countHits, { secret: 'old' })
  await first.visit('/')
  const both = await open(countHits, { secret: ['new', 'old'] })
  both.cookie = first.cookie
  assert.is(await both.visit('/'), 'hits: 2')
  const other = await open(countHits, { secret: 'other' })
  other.cookie = first.cookie
  assert.is(await other.visit('/'), 'hits: 1')
})

for (const unset of ['keep', 'destroy'] as const) {
  test(`unset: '${unset}', when a handler lets its session go`, async ({ open, store }) => {
    const browser = await open(
      (request, response) => {
        request.session.visits = (request.session.visits ?? 0) + 1
        if (request.session.visits === 2) Reflect.set(request, 'session', null)
        response.end()
      },
      { unset },
    )
    await browser.visit('/')
    assert.is(await lengthOf(store), 1)
    await browser.visit('/')
    assert.is(await lengthOf(store), unset === 'keep' ? 1 : 0)
  })
}

test('a new session that is let go at once is never stored', async ({ open, store }) => {
  const browser = await open(
    (request, response) => {
      Reflect.set(request, 'session', null)
      response.end()
    },
    { unset: 'destroy' },
  )
  await browser.visit('/')
  assert.is(browser.cookie, undefined)
  assert.is(await lengthOf(store), 0)
})

test('genid: any text is a key, and a cookie', async ({ open, engine }) => {
  for (const key of ['apple', '%', '/a/b', 'ÄÖÜ ß', '__proto__']) {
    const browser = await open(countHits, { genid: () => key })
    await browser.visit('/')
    assert.is(await browser.visit('/'), 'hits: 2', key)
    assert.ok(await engine.exists(key))
  }
})

test('originalMaxAge stays what it was, over requests', async ({ open }) => {
  for (const resave of [true, false]) {
    const browser = await open(
      (request, response) => void response.json(request.session.cookie.originalMaxAge),
      {
        resave,
        cookie: { maxAge: 200_000 },
      },
    )
    for (const _ of [1, 2, 3]) assert.is(await browser.visit('/'), '200000')
  }
})

test('a maxAge that a handler sets is how long the session lives, from then on', async ({ open, engine }) => {
  let maxAge: number | undefined
  const browser = await open((request, response) => {
    if (maxAge !== undefined) request.session.cookie.maxAge = maxAge
    request.session.visits = (request.session.visits ?? 0) + 1
    response.end()
  })
  await browser.visit('/')
  for (const changed of [500_000, 3_000_000_000, undefined]) {
    maxAge = changed
    await browser.visit('/')
    const { expires } = (await engine.loadWithExpiry(browser.key)) ?? { expires: new Date(0) }
    const left = expires.getTime() - Date.now()
    // What was set last holds for the requests after it, too.
    const expected = changed ?? 3_000_000_000
    assert.ok(left <= expected && left > expected - 60_000, `${left} of ${expected}`)
  }
})

test('a moment that a handler sets is when the session ends; null, when the engine says', async (context) => {
  let expires: Date | null = new Date(0)
  const browser = await context.open((request, response) => {
    request.session.cookie.expires = expires
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  const response = await browser.request('/')
  await response.text()
  assert.match(response.headers.getSetCookie()[0] ?? '', /Expires=Thu, 01 Jan 1970/)
  assert.is(await lengthOf(context.store), 0)
  expires = null
  browser.cookie = undefined
  const ofBrowser = await browser.request('/')
  await ofBrowser.text()
  assert.not(ofBrowser.headers.getSetCookie()[0]?.includes('Expires'))
  assert.is(await browser.visit('/'), '2')
  assert.is((await getFrom(context.store, browser.key))?.cookie.expires, null)
  const found = await context.engine.loadWithExpiry(browser.key)
  assert.ok(Number(found?.expires) > Date.now() + 1_200_000_000)
})

test('a moment that is none is an error of the cookie, not of the store', async (context) => {
  const cookie = { expires: new Date(Number.NaN) }
  const browser = await context.open(countHits, { cookie })
  const told = context.server.nextError()
  await browser.visit('/')
  assert.match(((await told) as Error).message, /expires/)
  assert.is(context.server.errors.length, 1)
  const [data] = (await answerOf<SessionData[]>((callback) => context.store.all(callback))) ?? []
  assert.is(data?.cookie.expires, null)
})

test("secure: 'auto' is decided anew where a session begins, and is stored", async ({ open, store }) => {
  const browser = await open(countHits, { proxy: true, cookie: { secure: 'auto', maxAge: MINUTE } })
  const response = await browser.request('/', { 'x-forwarded-proto': 'https, http' })
  await response.text()
  assert.match(response.headers.getSetCookie()[0] ?? '', /; Secure/)
  assert.is((await getFrom(store, browser.key))?.cookie.secure, true)
  const plain = await open(countHits, { proxy: false, cookie: { secure: 'auto', maxAge: MINUTE } })
  await plain.visit('/')
  assert.is((await getFrom(store, plain.key))?.cookie.secure, false)
})

test('a secure cookie is kept from those who are not; their session is stored nonetheless', async (context) => {
  const browser = await context.open(countHits, { proxy: true, cookie: { secure: true, maxAge: MINUTE } })
  await browser.visit('/')
  assert.is(browser.cookie, undefined)
  assert.is(await lengthOf(context.store), 1)
})

test('a path that is not the cookie’s has no session', async ({ open, store }) => {
  const browser = await open((request, response) => void response.send(typeof request.session), {
    cookie: { path: '/inside' },
  })
  assert.is(await browser.visit('/'), 'undefined')
  assert.is(await browser.visit('/inside/deep'), 'object')
  assert.equal(store.take(), { set: 1 })
})

test.run()
