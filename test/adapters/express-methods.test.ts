import session, { type SessionData } from 'express-session'
import * as assert from 'uvu/assert'
import { answerOf } from './callbacks.js'
import { behaviourSuite, countHits, lengthOf } from './express-behaviour.js'
import { Browser } from './express-server.js'

const test = behaviourSuite('express store: the methods of a session')

test('destroy() leaves the request without a session', async ({ open, store }) => {
  const browser = await open((request, response) => {
    request.session.destroy((error) => response.send(`${error ?? 'none'} ${request.session}`))
  })
  assert.match(await browser.visit('/'), /^(?:none|null) undefined$/)
  assert.is(browser.cookie, undefined)
  assert.is(await lengthOf(store), 0)
})

test('regenerate() gives a new key, each time, and leaves one session', async ({ open, store }) => {
  const browser = await open((request, response, next) => {
    const { id } = request.session
    request.session.regenerate((error) =>
      error ? next(error) : response.send(String(request.session.id === id)),
    )
  })
  assert.is(await browser.visit('/'), 'false')
  const { key } = browser
  assert.is(await browser.visit('/'), 'false')
  assert.is.not(browser.key, key)
  assert.is(await lengthOf(store), 1)
})

test('reload() sees what another request has stored meanwhile', async (context) => {
  const browser = await context.open((request, response, next) => {
    request.session.note = request.url
    if (request.url !== '/outer') {
      response.end()
      return
    }
    new Browser(context.server, browser.cookie)
      .visit('/inner')
      .then(() =>
        request.session.reload((error) =>
          error ? next(error) : response.send(String(request.session.note)),
        ),
      )
      .catch(next)
  })
  await browser.visit('/')
  assert.is(await browser.visit('/outer'), '/inner')
})

test('reload() of what is gone is an error, however often it is tried', async ({ open, engine }) => {
  const browser = await open(
    async (request, response) => {
      if (request.url === '/') {
        await countHits(request, response, () => undefined)
        return
      }
      await engine.clear()
      const messages = new Set<string>()
      for (let tries = 0; tries < 20; tries++) {
        const error = await new Promise<Error>((resolve) => request.session.reload(resolve))
        messages.add(error.message)
      }
      response.send([...messages].join())
    },
    { resave: false },
  )
  await browser.visit('/')
  assert.is(await browser.visit('/gone'), 'failed to load session')
})

for (const saveUninitialized of [true, false]) {
  test(`save() stores at once and spares the save at the end (${saveUninitialized})`, async ({
    open,
    store,
  }) => {
    const browser = await open(
      (request, response, next) => {
        request.session.note = 'hit'
        request.session.save((error) => {
          if (error) return next(error)
          store.get(request.session.id, (_error, data) => response.send(String(data?.note)))
        })
      },
      { saveUninitialized },
    )
    for (const _ of [1, 2]) {
      store.take()
      assert.is(await browser.visit('/'), 'hit')
      assert.is(store.take().set, 1)
    }
  })
}

test('save() of a reloaded session spares the save at the end, too', async ({ open, store }) => {
  const browser = await open((request, response, next) => {
    request.session.note = 'hit'
    request.session.reload(() => {
      request.session.save((error) => (error ? next(error) : response.end('saved')))
    })
  })
  for (const _ of [1, 2]) {
    store.take()
    assert.is(await browser.visit('/'), 'saved')
    assert.is(store.take().set, 1)
  }
})

test('store.load gives a live session that can save itself', async ({ open, store }) => {
  const browser = await open(countHits)
  await browser.visit('/')
  const live = await answerOf<SessionData>((callback) => store.load(browser.key, callback))
  assert.instance(live?.cookie, session.Cookie)
  Object.assign(live ?? {}, { visits: 10 })
  const saving = live as unknown as session.Session
  await new Promise<void>((resolve, reject) =>
    saving.save((error: unknown) => (error ? reject(error) : resolve())),
  )
  assert.is(await browser.visit('/'), 'hits: 11')
})

test.run()
