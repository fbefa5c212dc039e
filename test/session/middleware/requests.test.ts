import { once } from 'node:events'
import { Agent, createServer, IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { EngineClosedError, SessionEngine } from 'coatcheck'
import { type Session, type SessionsOptions, sessionOf, sessions } from 'coatcheck/session'
import { sign } from 'cookie-signature'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gate } from '../../adapters/gate.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { type Handler, serving, Visitor, withSessions } from './web.js'

const KEY = 'abcdefgh01234567'
const engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
const test = suite('middleware: requests and responses')

test.before.each(() => engine.clear())
test.after(() => engine.close())

function site(
  handler: Handler,
  body: (visitor: Visitor, port: number) => Promise<void>,
  options: Partial<SessionsOptions> = {},
): Promise<void> {
  return serving(withSessions({ engine, ...options }, handler), (url, port) => body(new Visitor(url), port))
}

function count({ session }: { session: Session }): number {
  const visits = Number(session.get('visits', 0)) + 1
  session.set('visits', visits)
  return visits
}

const SENT: Readonly<Record<string, (response: ServerResponse, body: string) => unknown>> = {
  end: (response, body) => response.end(body),
  'write and end': (response, body) => {
    response.write(body)
    response.end()
  },
  'writeHead and end': (response, body) =>
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end(body),
  'writeHead with a cookie and Vary': (response, body) =>
    response.writeHead(200, { 'Set-Cookie': ['other=cookie'], Vary: 'Accept' }).end(body),
  flushHeaders: (response, body) => {
    response.flushHeaders()
    response.end(body)
  },
  pipe: (response, body) => Readable.from([body]).pipe(response),
}

for (const [title, send] of Object.entries(SENT)) {
  test(`the next request sees what was stored: ${title}`, () =>
    site(
      (incoming, response) => send(response, String(count(incoming))),
      async (visitor) => {
        for (const visits of ['1', '2', '3']) {
          const { text: body, headers, cookies } = await visitor.visit()
          assert.is(body, visits)
          assert.match(headers.vary ?? '', /\bCookie$/)
          assert.is(cookies.filter(({ name }) => name === 'sessionid').length, 1)
          assert.equal(await engine.load(visitor.cookie ?? ''), { visits: Number(visits) })
        }
      },
    ))
}

test('nothing is on the wire before the session is stored', async () => {
  const written: unknown[] = []
  await site(
    async ({ session }, response) => {
      session.set('note', 'new')
      response.flushHeaders()
      written.push(response.socket?.bytesWritten)
      response.end('end')
      written.push(response.socket?.bytesWritten)
    },
    async (visitor) => {
      await visitor.visit()
    },
  )
  assert.equal(written, [0, 0])
})

test('what was changed between writeHead and the body is stored, and its cookie sent', () =>
  site(
    (incoming, response) => {
      response.writeHead(200)
      response.end(String(count(incoming)))
    },
    async (visitor) => {
      await visitor.visit()
      assert.is((await visitor.visit()).text, '2')
    },
  ))

test('what was changed after the headers is stored before the response ends, if the client has the key', async () => {
  await engine.save(KEY, { visits: 1 })
  await site(
    async (incoming, response) => {
      response.write('begun ')
      await engine.exists(KEY)
      response.end(String(count(incoming)))
    },
    async (visitor) => {
      visitor.cookie = KEY
      assert.is((await visitor.visit()).text, 'begun 2')
      assert.equal(await engine.load(KEY), { visits: 2 })
      visitor.cookie = undefined
      const { cookies, text: body } = await visitor.visit()
      assert.is(body, 'begun 1')
      assert.equal(cookies, [], 'a session that begins after the headers cannot be told')
      assert.is(await engine.count(), 1, 'and is not stored, since nobody would come back to it')
    },
  )
})

test('what was changed before the headers and after them is stored both times', () =>
  site(
    async (incoming, response) => {
      count(incoming)
      response.write('begun ')
      await new Promise((resolve) => response.write('and going on ', resolve))
      response.end(String(count(incoming)))
    },
    async (visitor) => {
      assert.is((await visitor.visit()).text, 'begun and going on 2')
      assert.equal(await engine.load(visitor.cookie ?? ''), { visits: 2 })
    },
  ))

test('HEAD, 304 and 204 have cookies, and no body', () =>
  site(
    (incoming, response) => {
      count(incoming)
      response.statusCode = Number(incoming.url?.slice(1))
      response.end(response.statusCode === 200 ? 'body' : undefined)
    },
    async (visitor) => {
      for (const [method, status] of [
        ['HEAD', 200],
        ['GET', 304],
        ['GET', 204],
      ] as const) {
        const answer = await visitor.visit(`/${status}`, { method })
        assert.is(answer.status, status)
        assert.is(answer.cookies.length, 1)
        assert.is(answer.text, '')
      }
      assert.equal(await engine.load(visitor.cookie ?? ''), { visits: 3 })
    },
  ))

test('an error in the place of an answer to HEAD has no body either', () =>
  site(
    async (incoming, response) => {
      count(incoming)
      await engine.delete(KEY)
      response.end('body')
    },
    async (visitor) => {
      await engine.save(KEY, {})
      visitor.cookie = KEY
      const answer = await visitor.visit('/', { method: 'HEAD' })
      assert.is(answer.status, 400)
      assert.is(answer.text, '')
    },
  ))

test('connections are kept alive', () =>
  site(
    (incoming, response) => response.end(String(count(incoming))),
    async (_visitor, port) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const ports = new Set<number | undefined>()
      let cookie = ''
      for (const visits of ['1', '2', '3']) {
        const outgoing = request({ port, host: '127.0.0.1', agent, headers: { cookie } }).end()
        const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
        ports.add(response.socket.localPort)
        assert.is(await text(response), visits)
        cookie = response.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
      }
      agent.destroy()
      assert.is(ports.size, 1)
    },
  ))

test('HTTP/1.0 and requests in one packet are served in order', () =>
  site(
    (incoming, response) => response.end(`${incoming.url} ${count(incoming)}`),
    async (_visitor, port) => {
      await engine.save(KEY, { visits: 0 })
      const socket = connect(port, '127.0.0.1')
      const head = (path: string, version: string) =>
        `GET ${path} HTTP/${version}\r\nHost: a\r\nCookie: sessionid=${KEY}\r\n\r\n`
      socket.write(head('/one', '1.1') + head('/two', '1.1') + head('/three', '1.0'))
      const answer = await text(socket)
      assert.equal(
        [...answer.matchAll(/\r\n\r\n(\S+)/g)].map(([, path]) => path),
        ['/one', '/two', '/three'],
      )
      assert.is(answer.match(/Set-Cookie/g)?.length, 3)
    },
  ))

test('a client that hangs up has its session stored or not, whole, and nobody rejects', async () => {
  const versions = [{ note: 'old' }, { note: 'new', more: 'of it' }]
  for (const when of ['at once', 'before the answer', 'in the middle']) {
    await engine.save(KEY, { note: 'old' })
    const closed = new Gate()
    const handled = new Gate()
    await site(
      async ({ session }, response) => {
        response.once('close', () => closed.open())
        handled.open()
        if (when === 'before the answer') await closed.opened
        session.update({ note: 'new', more: 'of it' })
        const source = new Readable({
          read() {
            this.push('x'.repeat(1000))
          },
        })
        source.pipe(response)
        await closed.opened
        source.destroy()
        response.end()
      },
      async (_visitor, port) => {
        const outgoing = request({ port, host: '127.0.0.1', headers: { cookie: `sessionid=${KEY}` } }).end()
        outgoing.on('error', () => undefined)
        await handled.opened
        if (when === 'in the middle') await once(outgoing, 'response')
        outgoing.destroy()
        await closed.opened
      },
    )
    const stored = await engine.load(KEY)
    assert.ok(
      versions.some((version) => JSON.stringify(version) === JSON.stringify(stored)),
      `${when}: ${JSON.stringify(stored)}`,
    )
    if (when === 'in the middle') assert.equal(stored, versions[1])
  }
})

test('a request that is never answered stores nothing', () =>
  site(
    (incoming) => {
      count(incoming)
      incoming.socket.destroy()
    },
    async (visitor) => {
      assert.is(await visitor.visit().catch(() => 'gone'), 'gone')
      assert.is(await engine.count(), 0)
    },
  ))

const PLAUSIBLE = 'zyxwvuts76543210'
const SENT_COOKIES: Readonly<Record<string, string>> = {
  forged: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  truncated: 'abcdef',
  oversized: 'a'.repeat(10_000),
  empty: '',
  'a path': '..%2f..%2fescape',
  'of another alphabet': 'ABCDEFGH_-ABCDEFGH',
}

for (const [title, cookie] of Object.entries(SENT_COOKIES)) {
  test(`a cookie that is ${title}: a new session, under a new key, and only when there is something in it`, () =>
    site(
      (incoming, response) => {
        if (incoming.url === '/read') response.end(String(incoming.session.get('visits', 'none')))
        else response.end(String(count(incoming)))
      },
      async (visitor) => {
        visitor.cookie = cookie
        const read = await visitor.visit('/read')
        assert.is(read.text, 'none')
        assert.is(read.cookies[0]?.maxAge, 0, 'the cookie is taken away')
        assert.is(await engine.count(), 0)
        visitor.cookie = cookie
        assert.is((await visitor.visit('/')).text, '1')
        assert.match(visitor.cookie ?? '', /^[a-z0-9]{32}$/)
        assert.is.not(visitor.cookie, cookie)
        assert.is(await engine.count(), 1)
      },
    ))
}

test('of two cookies of the name the first that can be a key counts', async () => {
  await engine.save(KEY, { note: 'first' })
  await engine.save(PLAUSIBLE, { note: 'second' })
  await site(
    ({ session }, response) => response.end(String(session.get('note'))),
    async (visitor) => {
      const note = async (cookie: string) => (await visitor.visit('/', { headers: { cookie } })).text
      assert.is(await note(`sessionid=${KEY}; sessionid=${PLAUSIBLE}`), 'first')
      assert.is(await note(`sessionid=none; sessionid=${PLAUSIBLE}; sessionid=${KEY}`), 'second')
    },
  )
})

test('an expired session is none', async () => {
  await engine.save(KEY, { visits: 5 }, { expires: new Date(Date.now() - 1000) })
  await site(
    (incoming, response) => response.end(String(count(incoming))),
    async (visitor) => {
      visitor.cookie = KEY
      assert.is((await visitor.visit()).text, '1')
      assert.is.not(visitor.cookie, KEY)
    },
  )
})

test('signed cookies are good under any of the secrets, and signed anew with the first', async () => {
  await engine.save(KEY, { visits: 1 })
  await site(
    (incoming, response) => response.end(String(count(incoming))),
    async (visitor) => {
      visitor.cookie = encodeURIComponent(sign(KEY, 'older'))
      assert.is((await visitor.visit()).text, '2')
      assert.is(visitor.cookie, sign(KEY, 'newer'))
      for (const cookie of [KEY, sign(KEY, 'other')]) {
        visitor.cookie = encodeURIComponent(cookie)
        assert.is((await visitor.visit()).text, '1', 'a new session')
      }
    },
    { secret: ['newer', 'older'] },
  )
})

test('a cookie that is not signed reads nothing from the storage', async () => {
  await site(
    ({ session }, response) => response.end(String(session.isLoaded)),
    async (visitor) => {
      visitor.cookie = `${KEY}.forged`
      const before = engine.stats().accepted
      assert.is((await visitor.visit()).text, 'true')
      assert.is(engine.stats().accepted, before)
    },
    { secret: 'hush', load: 'lazy' },
  )
})

test('without a cookie nothing is read from the storage', () =>
  site(
    ({ session }, response) => response.end(String(session.get('note', 'none'))),
    async (visitor) => {
      const before = engine.stats().accepted
      assert.is((await visitor.visit()).text, 'none')
      assert.is(engine.stats().accepted, before)
    },
  ))

test("load: 'lazy' reads when it is told to", async () => {
  await engine.save(KEY, { visits: 1 })
  await site(
    async (incoming, response) => {
      if (incoming.url === '/ignore') return response.end('ignored')
      assert.not(incoming.session.isLoaded)
      assert.throws(() => incoming.session.get('visits'), /await session.load\(\)/)
      await incoming.session.load()
      return response.end(String(count(incoming)))
    },
    async (visitor) => {
      visitor.cookie = KEY
      const before = engine.stats().accepted
      await visitor.visit('/ignore')
      assert.is(engine.stats().accepted, before)
      assert.is((await visitor.visit()).text, '2')
    },
    { load: 'lazy' },
  )
})

test("load: 'lazy' with saveEveryRequest stores what is there, and makes nothing of what is not", async () => {
  await engine.save(KEY, { visits: 1 })
  for (const touchAfter of [undefined, 0]) {
    await site(
      (_incoming, response) => response.end(),
      async (visitor) => {
        visitor.cookie = KEY
        assert.is((await visitor.visit()).cookies[0]?.value, KEY)
        assert.equal(await engine.load(KEY), { visits: 1 })
        visitor.cookie = PLAUSIBLE
        await visitor.visit()
        assert.is(await engine.count(), 1)
      },
      {
        load: 'lazy',
        saveEveryRequest: true,
        ...(touchAfter === undefined ? {} : { touchAfter }),
      },
    )
  }
})

test('touchAfter: what was not changed is touched, and not before its time', async () => {
  await engine.save(KEY, { visits: 1 })
  await site(
    (incoming, response) => response.end(incoming.url === '/change' ? String(count(incoming)) : ''),
    async (visitor) => {
      visitor.cookie = KEY
      const cookiesOf = async (path: string) => (await visitor.visit(path)).cookies.length
      assert.is(await cookiesOf('/'), 1, 'the last touch is not known')
      assert.is(await cookiesOf('/'), 0)
      assert.is(await cookiesOf('/change'), 1)
      assert.is(await cookiesOf('/'), 0)
      assert.equal(await engine.load(KEY), { visits: 2 })
    },
    { saveEveryRequest: true, touchAfter: 3600 },
  )
})

test('touchAfter: 0 touches each time, and a touch is no write of the session', async () => {
  await engine.save(KEY, { list: [1] }, { maxAge: 5 })
  await site(
    ({ session }, response) => {
      const list = session.get('list')
      if (Array.isArray(list)) list.push(2)
      response.end()
    },
    async (visitor) => {
      visitor.cookie = KEY
      for (const _ of ['first', 'second']) assert.is((await visitor.visit()).cookies[0]?.maxAge, 1_209_600)
      assert.equal(await engine.load(KEY), { list: [1] })
    },
    { saveEveryRequest: true, touchAfter: 0 },
  )
})

test('a session is given once, though the middleware comes twice', async () => {
  const twice = sessions({ engine })
  await serving(
    (incoming, response) => {
      twice(incoming, response, () => {
        const first = sessionOf(incoming)
        twice(incoming, response, (error) => {
          assert.is(error, undefined)
          assert.is(sessionOf(incoming), first)
          first.set('note', 'once')
          response.end()
        })
      })
    },
    async (url) => {
      assert.is((await new Visitor(url).visit()).cookies.length, 1)
    },
  )
})

test('a session of other middleware is not taken for ours', async () => {
  const middleware = sessions({ engine })
  await serving(
    (incoming, response) => {
      Object.assign(incoming, { session: {} })
      middleware(incoming, response, (error) => response.end(String(error)))
      assert.throws(() => sessionOf(incoming), /the middleware sessions\(\) has to come before/)
    },
    async (url) => {
      assert.match((await new Visitor(url).visit()).text, /TypeError: request.session is there already/)
    },
  )
})

test('a request for an upgrade has its session, and a response of its own', async () => {
  await engine.save(KEY, { user: 42 })
  const middleware = sessions({ engine })
  const server = createServer()
  server.on('upgrade', (incoming, socket) => {
    middleware(incoming, {}, () => {
      socket.end(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: close\r\n\r\n${sessionOf(incoming).get('user')}`,
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  socket.write(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\nCookie: sessionid=${KEY}\r\n\r\n`,
  )
  assert.match(await text(socket), /\r\n\r\n42$/)
  server.close()
})

test('a request for an upgrade whose session cannot be loaded hears of it', async () => {
  const closed = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
  await closed.close()
  const incoming = Object.assign(new IncomingMessage(new Socket()), {
    headers: { cookie: `sessionid=${KEY}` },
  })
  const error = await new Promise((resolve) => sessions({ engine: closed })(incoming, {}, resolve))
  assert.instance(error, EngineClosedError)
})

test('what changes after end() is not stored', async () => {
  await engine.save(KEY, { visits: 1 })
  await site(
    ({ session }, response) => {
      session.set('visits', 2)
      response.end()
      session.set('late', true)
    },
    async (visitor) => {
      visitor.cookie = KEY
      await visitor.visit()
      assert.equal(await engine.load(KEY), { visits: 2 })
      visitor.cookie = undefined
      await visitor.visit()
      assert.equal(await engine.load(visitor.cookie ?? ''), { visits: 2 })
    },
  )
})

test("secure: 'auto' goes by the connection, and by Express where there is one", async () => {
  const middleware = sessions({ engine, cookie: { secure: 'auto' } })
  await serving(
    (incoming, response) => {
      // Express sets it from X-Forwarded-Proto, where it trusts the proxy.
      if (incoming.url === '/proxied') Object.assign(incoming, { secure: true })
      middleware(incoming, response, () => {
        sessionOf(incoming).set('note', 'new')
        response.end()
      })
    },
    async (url) => {
      assert.is((await new Visitor(url).visit('/')).cookies[0]?.secure, undefined)
      assert.is((await new Visitor(url).visit('/proxied')).cookies[0]?.secure, true)
    },
  )
})

test.run()
