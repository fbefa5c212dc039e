import { SessionEngine } from 'coatcheck'
import { Session, type SessionsOptions } from 'coatcheck/session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { type Handler, serving, Visitor, withSessions } from './web.js'

/*
 * What Django's session middleware does, in our words.
 */

const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
const test = suite("middleware: as Django's")

test.before.each(() => engine.clear())
test.after(() => engine.close())

function site(
  handler: Handler,
  body: (visitor: Visitor) => Promise<void>,
  options: Partial<SessionsOptions> = {},
): Promise<void> {
  return serving(withSessions({ engine, ...options }, handler), (url) => body(new Visitor(url)))
}

const greet: Handler = ({ session }, response) => {
  session.set('hello', 'world')
  response.end('greeted')
}

test('a session that was changed is stored, and its cookie names it', () =>
  site(greet, async (visitor) => {
    const { cookies, headers } = await visitor.visit()
    const [cookie] = cookies
    assert.is(cookies.length, 1)
    assert.match(cookie?.value ?? '', /^[a-z0-9]{32}$/)
    assert.equal(await engine.load(cookie?.value ?? ''), { hello: 'world' })
    assert.is(cookie?.path, '/')
    assert.is(cookie?.domain, undefined)
    assert.is(cookie?.sameSite, 'lax')
    assert.is(cookie?.httpOnly, true)
    assert.is(cookie?.secure, undefined)
    assert.is(cookie?.maxAge, 1_209_600)
    const expires = cookie?.expires?.getTime() ?? 0
    assert.ok(Math.abs(expires - Date.now() - 1_209_600_000) < 60_000)
    assert.is(headers.vary, 'Cookie')
  }))

test('the cookie may be for TLS only', () =>
  site(greet, async (visitor) => assert.is((await visitor.visit()).cookies[0]?.secure, true), {
    cookie: { secure: true },
  }))

test('the cookie may be hidden from scripts', () =>
  site(greet, async (visitor) => assert.is((await visitor.visit()).cookies[0]?.httpOnly, true), {
    cookie: { httpOnly: true },
  }))

test('the cookie need not be hidden from scripts', () =>
  site(
    greet,
    async (visitor) => {
      const { headers } = await visitor.visit()
      assert.not.match(headers['set-cookie']?.[0] ?? 'HttpOnly', /HttpOnly/i)
    },
    { cookie: { httpOnly: false } },
  ))

test('the cookie may stay on its site', () =>
  site(greet, async (visitor) => assert.is((await visitor.visit()).cookies[0]?.sameSite, 'strict'), {
    cookie: { sameSite: 'strict' },
  }))

for (const status of [500, 503]) {
  test(`nothing is stored with a ${status}`, () =>
    site(
      ({ session }, response) => {
        session.set('hello', 'world')
        response.writeHead(status)
        response.end('horrible')
      },
      async (visitor) => {
        const { cookies, status: answered, text } = await visitor.visit()
        assert.is(answered, status)
        assert.is(text, 'horrible')
        assert.equal(cookies, [])
        assert.is(await engine.count(), 0)
      },
      { saveEveryRequest: true },
    ))
}

test('nothing of a session that was there is stored with a 500', async () => {
  await engine.save('abcdefgh', { hello: 'world' })
  await site(
    ({ session }, response) => {
      session.set('hello', 'nobody')
      response.statusCode = 500
      response.end()
    },
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      assert.equal((await visitor.visit()).cookies, [])
      assert.equal(await engine.load('abcdefgh'), { hello: 'world' })
    },
  )
})

test('a session that was deleted before the request was completed is a 400 that says so', () =>
  site(
    async (request, response) => {
      const session = new Session({ engine })
      request.session = session
      await session.save({ mustCreate: true })
      await session.destroy()
      response.setHeader('Content-Type', 'image/png')
      response.end('never seen')
    },
    async (visitor) => {
      const { status, text, cookies, headers } = await visitor.visit()
      assert.is(status, 400)
      assert.match(text, /was deleted before the request was completed, for example by a logout/)
      assert.match(headers['content-type'] ?? '', /^text\/plain/)
      assert.equal(cookies, [])
      assert.is(await engine.count(), 0)
    },
  ))

test('when the session ends, the cookie goes', async () => {
  await engine.save('abcdefgh', { hello: 'world' })
  await site(
    async ({ session }, response) => {
      await session.flush()
      response.end()
    },
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      const { headers } = await visitor.visit()
      assert.equal(headers['set-cookie'], [
        'sessionid=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
      ])
      assert.is(headers.vary, 'Cookie')
      assert.is(await engine.count(), 0)
    },
  )
})

test('when the session ends, a cookie that is none goes, too', () =>
  site(
    async ({ session }, response) => {
      await session.flush()
      response.end()
    },
    async (visitor) => {
      visitor.cookie = 'abc'
      const { cookies, headers } = await visitor.visit()
      assert.is(cookies[0]?.maxAge, 0)
      assert.is(headers.vary, 'Cookie')
    },
  ))

test('the cookie goes from its own domain and path', async () => {
  await engine.save('abcdefgh', { hello: 'world' })
  await site(
    async ({ session }, response) => {
      await session.flush()
      response.end()
    },
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      const { headers } = await visitor.visit('/example/')
      assert.equal(headers['set-cookie'], [
        'sessionid=; Max-Age=0; Domain=.example.local; Path=/example/; ' +
          'Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; Partitioned; SameSite=None',
      ])
    },
    {
      cookie: {
        domain: '.example.local',
        path: '/example/',
        sameSite: 'none',
        secure: true,
        partitioned: true,
      },
    },
  )
})

test('to flush what is empty sets no cookie where there was none, but the response depends on it', () =>
  site(
    async ({ session }, response) => {
      await session.flush()
      response.end()
    },
    async (visitor) => {
      const { cookies, headers } = await visitor.visit()
      assert.equal(cookies, [])
      assert.is(headers.vary, 'Cookie')
      assert.is(await engine.count(), 0)
    },
  ))

test('a session that was emptied and not ended is stored, empty, and keeps its cookie', () =>
  site(
    ({ session, url }, response) => {
      if (url === '/empty') session.delete('foo')
      else session.set('foo', 'bar')
      response.end()
    },
    async (visitor) => {
      await visitor.visit('/fill')
      const key = visitor.cookie ?? ''
      assert.equal(await engine.load(key), { foo: 'bar' })
      const { cookies, headers } = await visitor.visit('/empty')
      assert.is(cookies[0]?.value, key)
      assert.is(headers.vary, 'Cookie')
      assert.equal(await engine.load(key), {})
    },
  ))

test('an empty session is never stored, though it was changed', () =>
  site(
    ({ session }, response) => {
      session.set('foo', 'bar')
      session.delete('foo')
      response.end()
    },
    async (visitor) => {
      assert.equal((await visitor.visit()).cookies, [])
      assert.is(await engine.count(), 0)
    },
    { saveEveryRequest: true },
  ))

test('a session that was only read is not stored, and the response depends on the cookie', async () => {
  await engine.save('abcdefgh', { hello: 'world' })
  await site(
    ({ session }, response) => response.end(session.get('hello')),
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      const { written } = engine.stats()
      const { cookies, headers, text } = await visitor.visit()
      assert.is(text, 'world')
      assert.equal(cookies, [])
      assert.is(headers.vary, 'Cookie')
      assert.is(engine.stats().written, written)
    },
  )
})

test('a session that was not looked at leaves the response alone', async () => {
  await engine.save('abcdefgh', { hello: 'world' })
  await site(
    (_request, response) => response.end(),
    async (visitor) => {
      for (const cookie of ['abcdefgh', 'nosuchsession', undefined]) {
        visitor.cookie = cookie
        const { cookies, headers } = await visitor.visit()
        assert.equal(cookies, [])
        assert.is(headers.vary, undefined)
      }
    },
  )
})

test('with saveEveryRequest, a session that was not looked at is stored, and its cookie renewed', async () => {
  await engine.save('abcdefgh', { hello: 'world' })
  await site(
    (_request, response) => response.end(),
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      const { written } = engine.stats()
      const { cookies, headers } = await visitor.visit()
      assert.is(cookies[0]?.value, 'abcdefgh')
      assert.is(cookies[0]?.maxAge, 1_209_600)
      assert.is(headers.vary, 'Cookie')
      assert.is(engine.stats().written, written + 1)
      visitor.cookie = undefined
      assert.equal((await visitor.visit()).cookies, [])
      assert.is(await engine.count(), 1)
    },
    { saveEveryRequest: true },
  )
})

test('with saveEveryRequest, a change inside a value is stored without a word', async () => {
  await engine.save('abcdefgh', { list: [1] })
  await site(
    ({ session }, response) => {
      const list = session.get('list')
      if (Array.isArray(list)) list.push(2)
      response.end()
    },
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      await visitor.visit()
      assert.equal(await engine.load('abcdefgh'), { list: [1, 2] })
    },
    { saveEveryRequest: true },
  )
})

test('without it, such a change has to be told', async () => {
  await engine.save('abcdefgh', { list: [1] })
  await site(
    ({ session, url }, response) => {
      const list = session.get('list')
      if (Array.isArray(list)) list.push(2)
      session.modified = url === '/tell'
      response.end()
    },
    async (visitor) => {
      visitor.cookie = 'abcdefgh'
      await visitor.visit('/')
      assert.equal(await engine.load('abcdefgh'), { list: [1] })
      await visitor.visit('/tell')
      assert.equal(await engine.load('abcdefgh'), { list: [1, 2] })
    },
  )
})

test('the cookie lives as long as the session', () =>
  site(
    ({ session, url }, response) => {
      session.set('hello', 'world')
      if (url === '/hour') session.setExpiry(3600)
      if (url === '/date') session.setExpiry(new Date(Date.now() + 100_000_500))
      if (url === '/browser') session.setExpiry(0)
      if (url === '/default') session.setExpiry(null)
      response.end()
    },
    async (visitor) => {
      const age = async (path: string) => (await visitor.visit(path)).cookies[0]?.maxAge
      assert.is(await age('/hour'), 3600)
      assert.is(await age('/'), 3600, 'it is remembered')
      assert.is(await age('/date'), 100_000)
      assert.is(await age('/browser'), undefined)
      assert.is(await age('/default'), 600)
    },
    { maxAge: 600 },
  ))

test('sessions may end with the browser by default', () =>
  site(
    greet,
    async (visitor) => {
      const [cookie] = (await visitor.visit()).cookies
      assert.is(cookie?.maxAge, undefined)
      assert.is(cookie?.expires, undefined)
      assert.ok(cookie?.value)
    },
    { expireAtBrowserClose: true },
  ))

test('what is no Session in its place is left alone', () =>
  site(
    (request, response) => {
      request.session.set('hello', 'world')
      Reflect.set(request, 'session', null)
      response.end('fine')
    },
    async (visitor) => {
      const { cookies, text } = await visitor.visit()
      assert.is(text, 'fine')
      assert.equal(cookies, [])
      assert.is(await engine.count(), 0)
    },
  ))

test('a login goes on under a new key, and the old one is worth nothing', () =>
  site(
    async ({ session, url }, response) => {
      if (url === '/login') await session.cycleKey()
      else session.set('cart', 'umbrella')
      response.end(session.get('cart'))
    },
    async (visitor) => {
      await visitor.visit('/')
      const before = visitor.cookie ?? ''
      assert.is((await visitor.visit('/login')).text, 'umbrella')
      assert.is.not(visitor.cookie, before)
      assert.not(await engine.exists(before))
      assert.equal(await engine.load(visitor.cookie ?? ''), { cart: 'umbrella' })
    },
  ))

test.run()
