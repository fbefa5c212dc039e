import { SessionEngine } from 'coatcheck'
import { type Session, type SessionsOptions, sessionOf, sessions } from 'coatcheck/session'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { serving, Visitor } from './web.js'

interface Shop {
  visits: number
  user: string
}

const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
const test = suite('middleware: in Express')

test.before.each(() => engine.clear())
test.after(() => engine.close())

/** An Express app with the middleware, and an error handler that tells the error's name. */
function site(
  addRoutes: (app: Express) => void,
  body: (visitor: Visitor) => Promise<void>,
  options: Partial<SessionsOptions> = {},
): Promise<void> {
  const app = express()
  app.use(sessions({ engine, ...options }))
  addRoutes(app)
  const answerError: ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response.status(500).send(`handled: ${error.name}`)
  }
  app.use(answerError)
  return serving(app, (url) => body(new Visitor(url)))
}

function count(session: Session<Shop>): number {
  const visits = session.get('visits', 0) + 1
  session.set('visits', visits)
  return visits
}

test('sessions live from request to request, however the answer is sent', () =>
  site(
    (app) => {
      app.get('/send', (request, response) => {
        response.send(String(count(sessionOf<Shop>(request))))
      })
      app.get('/json', (request, response) => {
        response.json(count(sessionOf<Shop>(request)))
      })
      app.get('/redirect', (request, response) => {
        count(sessionOf<Shop>(request))
        response.redirect('/send')
      })
      app.get('/file', (request, response) => {
        count(sessionOf<Shop>(request))
        response.sendFile('package.json', { root: '.' })
      })
    },
    async (visitor) => {
      assert.is((await visitor.visit('/send')).text, '1')
      assert.is((await visitor.visit('/json')).text, '2')
      assert.is((await visitor.visit('/redirect')).status, 302)
      const { text, cookies, headers } = await visitor.visit('/file')
      assert.is(JSON.parse(text).name, 'coatcheck')
      assert.is(cookies[0]?.value, visitor.cookie)
      assert.match(headers.vary ?? '', /Cookie/)
      assert.is((await visitor.visit('/send')).text, '5')
    },
  ))

test('a handler may log in and out', () =>
  site(
    (app) => {
      app.post('/login', async (request, response) => {
        const session = sessionOf<Shop>(request)
        await session.cycleKey()
        session.set('user', 'ada')
        response.sendStatus(204)
      })
      app.post('/logout', async (request, response) => {
        await sessionOf(request).flush()
        response.sendStatus(204)
      })
      app.get('/', (request, response) => {
        response.send(sessionOf<Shop>(request).get('user', 'nobody'))
      })
    },
    async (visitor) => {
      await visitor.visit('/login', { method: 'POST' })
      assert.is((await visitor.visit()).text, 'ada')
      const key = visitor.cookie
      await visitor.visit('/logout', { method: 'POST' })
      assert.is(visitor.cookie, undefined)
      assert.is((await visitor.visit()).text, 'nobody')
      visitor.cookie = key
      assert.is((await visitor.visit()).text, 'nobody')
    },
  ))

test('a handler that throws has nothing stored', () =>
  site(
    (app) => {
      app.get('/', (request) => {
        sessionOf<Shop>(request).set('user', 'ada')
        throw new RangeError('in the handler')
      })
    },
    async (visitor) => {
      const { status, text, cookies } = await visitor.visit()
      assert.is(status, 500)
      assert.is(text, 'handled: RangeError')
      assert.equal(cookies, [])
      assert.is(await engine.count(), 0)
    },
  ))

test('onError hands what could not be stored to the error handler of Express', () =>
  site(
    (app) => {
      app.get('/', (request, response) => {
        sessionOf<{ job: unknown }>(request).set('job', () => undefined)
        response.set('Cache-Control', 'max-age=60').send('done')
      })
    },
    async (visitor) => {
      const { status, text, cookies, headers } = await visitor.visit()
      assert.is(status, 500)
      assert.is(text, 'handled: EncodeError')
      assert.is(headers['cache-control'], undefined)
      assert.is(headers['x-powered-by'], 'Express')
      assert.equal(cookies, [])
    },
    { onError: (error, _request, _response, next) => next(error) },
  ))

test('a session that cannot be read goes to the error handler of Express', async () => {
  const missing = new SessionEngine<object>({ directory: '/dev/null/sessions', threads: 1 })
  await site(
    (app) => {
      app.get('/', (_request, response) => {
        response.send('never')
      })
    },
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      const { status, text } = await visitor.visit()
      assert.is(status, 500)
      assert.is(text, 'handled: StorageError')
    },
    { engine: missing },
  )
  await missing.close()
})

test('requests that name a fresh answer are 304, with the cookie', () =>
  site(
    (app) => {
      app.get('/', (request, response) => {
        count(sessionOf<Shop>(request))
        response.set('ETag', '"same"').send('same')
      })
    },
    async (visitor) => {
      const { status, cookies } = await visitor.visit('/', { headers: { 'if-none-match': '"same"' } })
      assert.is(status, 304)
      assert.is(cookies.length, 1)
    },
  ))

test('a proxy that Express trusts makes a connection secure', () =>
  site(
    (app) => {
      app.set('trust proxy', true)
      app.get('/', (request, response) => {
        count(sessionOf<Shop>(request))
        response.send()
      })
    },
    async (visitor) => {
      const secure = async (protocol: string) =>
        (await visitor.visit('/', { headers: { 'x-forwarded-proto': protocol } })).cookies[0]?.secure
      assert.is(await secure('https'), true)
      assert.is(await secure('http'), undefined)
    },
    { cookie: { secure: 'auto' } },
  ))

test.run()
