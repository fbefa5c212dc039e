import { SessionEngine } from 'coatcheck'
import { CoatcheckStore as ExpressStore } from 'coatcheck/express'
import { CoatcheckStore as FastifyStore } from 'coatcheck/fastify'
import { CoatcheckStore as HonoStore } from 'coatcheck/hono'
import { CoatcheckStore as KoaStore } from 'coatcheck/koa'
import { sign } from 'cookie-signature'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addRoutes } from '../adapters/express-routes.js'
import { startServer } from '../adapters/express-server.js'
import { SECRET, startFastify } from '../adapters/fastify-server.js'
import { addHonoRoutes } from '../adapters/hono-routes.js'
import { startHono } from '../adapters/hono-server.js'
import { startKoa } from '../adapters/koa-server.js'
import { Visitor } from '../adapters/visitor.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { serving, withSessions } from '../session/middleware/web.js'

/*
 * Session fixation: an attacker has a victim come with a cookie that he knows. Whatever stands in it, a key that names
 * no live session is never given one.
 */

/** A server of one of the frameworks; `/visit` counts in the session. */
interface Site {
  readonly name: string
  readonly cookie: string
  /** Serves with an engine while the body runs. */
  readonly serve: (engine: SessionEngine<object>, body: (url: string) => Promise<void>) => Promise<void>
  /** The key in a cookie's value. */
  readonly keyIn: (value: string) => string
  /** A cookie that names a key, good in every other respect; absent where only the server can make one. */
  readonly forge?: (key: string) => string
  readonly signed: boolean
}

interface Closing {
  readonly url: string
  close(): Promise<void>
}

async function closing(server: Closing, body: (url: string) => Promise<void>): Promise<void> {
  try {
    await body(server.url)
  } finally {
    await server.close()
  }
}

const beforeDot = (value: string): string => value.slice(0, value.lastIndexOf('.'))
const plain = (value: string): string => value

function middleware(secret: string | undefined): Pick<Site, 'serve' | 'cookie'> {
  return {
    cookie: 'sessionid',
    serve: (engine, body) =>
      serving(
        withSessions({ engine, ...(secret === undefined ? {} : { secret }) }, ({ session }, response) => {
          const visits = Number(session.get('visits') ?? 0) + 1
          session.set('visits', visits)
          response.end(String(visits))
        }),
        body,
      ),
  }
}

function koa(signed: boolean): Pick<Site, 'serve' | 'cookie' | 'keyIn' | 'signed'> {
  return {
    cookie: 'koa.sess',
    keyIn: plain,
    signed,
    serve: async (engine, body) =>
      closing(
        await startKoa(
          { store: new KoaStore({ engine }), signed },
          {
            '/visit': (_, session) => {
              session.visits = (session.visits ?? 0) + 1
              return session.visits
            },
          },
        ),
        body,
      ),
  }
}

function hono(): Pick<Site, 'serve' | 'cookie'> {
  return {
    cookie: 'session',
    serve: async (engine, body) =>
      closing(
        await startHono(new HonoStore({ engine }), addHonoRoutes, {
          cookieOptions: { sameSite: 'Lax', path: '/', httpOnly: true },
        }),
        body,
      ),
  }
}

const SITES: readonly Site[] = [
  {
    name: 'express-session',
    cookie: 'connect.sid',
    signed: true,
    forge: (key) => encodeURIComponent(`s:${sign(key, 'test')}`),
    keyIn: (value) => beforeDot(decodeURIComponent(value).slice(2)),
    serve: async (engine, body) => closing(await startServer(new ExpressStore({ engine }), addRoutes), body),
  },
  {
    name: '@fastify/session',
    cookie: 'sessionId',
    signed: true,
    forge: (key) => encodeURIComponent(sign(key, SECRET)),
    keyIn: (value) => beforeDot(decodeURIComponent(value)),
    serve: async (engine, body) =>
      closing(
        await startFastify(new FastifyStore({ engine }), (app) => {
          app.get('/visit', async (request) => {
            request.session.visits = (request.session.visits ?? 0) + 1
            return String(request.session.visits)
          })
        }),
        body,
      ),
  },
  { name: 'koa-session, signed', ...koa(true) },
  { name: 'koa-session, unsigned', ...koa(false), forge: plain },
  { name: 'hono-sessions', ...hono(), signed: false, keyIn: plain, forge: plain },
  {
    name: 'sessions(), signed',
    ...middleware('secret'),
    signed: true,
    keyIn: (value) => beforeDot(decodeURIComponent(value)),
    forge: (key) => encodeURIComponent(sign(key, 'secret')),
  },
  { name: 'sessions(), unsigned', ...middleware(undefined), signed: false, keyIn: plain, forge: plain },
]

const engine = new SessionEngine<object>({ directory: temporaryDirectory(), threads: 1 })

test.after(() => engine.close())

/** Cookies of a visitor who has come once, and the key of his session. */
async function visited(url: string, { cookie, keyIn }: Site): Promise<{ visitor: Visitor; key: string }> {
  const visitor = new Visitor(url)
  assert.is(await visitor.read('/visit'), '1')
  const key = keyIn(visitor.cookie(cookie) ?? '')
  assert.ok(await engine.exists(key), 'the key in the cookie names a session')
  return { visitor, key }
}

/** Comes with somebody's cookies, and gets a session of another key. */
async function isGivenAnother(visitor: Visitor, key: string, { cookie, keyIn }: Site): Promise<void> {
  assert.is(await visitor.read('/visit'), '1')
  const given = keyIn(visitor.cookie(cookie) ?? '')
  assert.is.not(given, key)
  assert.ok(await engine.exists(given))
  assert.is(await engine.exists(key), false, 'a key that the client has brought was adopted')
}

for (const site of SITES) {
  const { name, cookie, serve, forge, signed } = site

  test(`${name}: a deleted or expired session's key is not adopted`, () =>
    serve(engine, async (url) => {
      const deleted = await visited(url, site)
      await engine.delete(deleted.key)
      await isGivenAnother(deleted.visitor, deleted.key, site)
      const expired = await visited(url, site)
      const stored = (await engine.load(expired.key)) ?? {}
      await engine.save(expired.key, stored, { expires: new Date(Date.now() - 1000) })
      await isGivenAnother(expired.visitor, expired.key, site)
    }))

  test(`${name}: a key that never was is not adopted`, () =>
    serve(engine, async (url) => {
      for (const key of ['attackerchosenattackerchosen0000', 'x', '__proto__', '..%2F..%2Fx']) {
        const values = [
          key,
          encodeURIComponent(`s:${key}.wrong`),
          ...(forge === undefined ? [] : [forge(key)]),
        ]
        for (const value of values) await isGivenAnother(new Visitor(url, [[cookie, value]]), key, site)
      }
    }))

  if (!signed) continue
  test(`${name}: a key without its signature names nobody's session`, () =>
    serve(engine, async (url) => {
      const { key } = await visited(url, site)
      for (const value of [key, `s%3A${key}`, `${key}.`, `s%3A${key}.${'A'.repeat(43)}`]) {
        const thief = new Visitor(url, [[cookie, value]])
        assert.is(await thief.read('/visit'), '1')
        assert.is.not(site.keyIn(thief.cookie(cookie) ?? ''), key)
      }
    }))
}

test.run()
