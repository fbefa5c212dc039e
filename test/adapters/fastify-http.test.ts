import type { FastifySessionOptions } from '@fastify/session'
import { CoatcheckStore } from 'coatcheck/fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { CountedEngine } from './counted-engine.js'
import { type FastifyServer, fastifyKey, SECRET, startFastify } from './fastify-server.js'
import type { Visitor } from './visitor.js'

interface Context {
  engine: CountedEngine
  store: CoatcheckStore
  server: FastifyServer
  /** Starts a server with these options; a first visitor of it. */
  open: (options?: Partial<FastifySessionOptions>) => Promise<Visitor>
}

const MINUTE = 60_000
const test = suite<Context>('fastify store: over HTTP')

test.before((context) => {
  const directory = temporaryDirectory('memory')
  context.engine = new CountedEngine({ directory, threads: 1, maxAge: 1000, sweepInterval: false })
  context.store = new CoatcheckStore({ engine: context.engine })
})

test.before.each((context) => {
  context.open = async (options) => {
    context.server = await startFastify(context.store, addRoutes, options)
    context.engine.take()
    return context.server.visitor()
  }
})

test.after.each(async ({ server }) => {
  await server.close()
})

test.after(async ({ engine }) => {
  await engine.close()
})

/** Whatever @fastify/session lets a handler do with a session, at a path each. */
function addRoutes(app: FastifyInstance): void {
  app.get('/visit', async ({ session }) => {
    session.visits = (session.visits ?? 0) + 1
    return String(session.visits)
  })
  app.get('/look', async ({ session }) => String(session.visits))
  app.get('/cookie', async ({ session }) => {
    const { cookie } = session
    return { date: cookie.expires instanceof Date, originalMaxAge: cookie.originalMaxAge, path: cookie.path }
  })
  app.get('/keys', async ({ session }) => Object.keys(session).sort().join())
  app.get('/touch', async ({ session }) => {
    session.touch()
    return 'touched'
  })
  app.get('/longer', async ({ session }) => {
    session.options({ maxAge: 30 * MINUTE })
    session.note = 'for longer'
    return 'longer'
  })
  app.get('/save', async ({ session }) => {
    session.note = 'saved'
    const modified = session.isModified()
    await session.save()
    return [modified, session.isModified(), session.isSaved()].join()
  })
  app.get('/save-reload', async (request) => {
    request.session.visits = 10
    await request.session.save()
    request.session.visits = 11
    await request.session.reload()
    return String(request.session.visits)
  })
  app.get('/reload', async (request) => {
    request.session.note = 'only here'
    await request.session.reload()
    return String(request.session.note)
  })
  app.get('/regenerate', async (request) => {
    await request.session.regenerate(['visits'])
    return request.session.sessionId
  })
  app.get('/regenerate-callback', (request, reply) => {
    request.session.regenerate((error) => reply.send(error ? 'failed' : request.session.sessionId))
  })
  app.get('/destroy', async (request) => {
    await request.session.destroy()
    return String(request.session)
  })
  app.get('/destroy-callback', (request, reply) => {
    request.session.destroy((error) => reply.send(error ? 'failed' : String(request.session)))
  })
}

test('a session lives from request to request', async ({ open, engine }) => {
  const visitor = await open()
  for (const visits of ['1', '2', '3']) assert.is(await visitor.read('/visit'), visits)
  assert.is(await visitor.read('/look'), '3')
  assert.ok(await engine.exists(fastifyKey(visitor)))
})

test('a session survives the engine', async ({ open }) => {
  const directory = temporaryDirectory('memory')
  const before = new CoatcheckStore({ directory, threads: 1 })
  const first = await startFastify(before, addRoutes)
  const visitor = first.visitor()
  await visitor.read('/visit')
  await first.close()
  await before.close()
  const after = new CoatcheckStore({ directory, threads: 1 })
  const second = await startFastify(after, addRoutes)
  const again = second.visitor()
  again.take(`sessionId=${visitor.cookie('sessionId')}`)
  assert.is(await again.read('/visit'), '2')
  await second.close()
  await after.close()
  await open()
})

test('by default every request loads and saves', async ({ open, engine }) => {
  const visitor = await open()
  await visitor.read('/look')
  assert.equal(engine.take(), { save: 1 })
  await visitor.read('/look')
  assert.equal(engine.take(), { load: 1, update: 1 })
})

test('saveUninitialized: false stores nothing that was not changed', async ({ open, engine }) => {
  const visitor = await open({ saveUninitialized: false })
  assert.equal((await visitor.get('/look')).cookies, [])
  assert.equal(engine.take(), {})
  await visitor.read('/visit')
  assert.equal(engine.take(), { save: 1 })
})

test('rolling: false saves only what was changed', async ({ open, engine }) => {
  const visitor = await open({ rolling: false })
  await visitor.read('/visit')
  engine.take()
  assert.equal((await visitor.get('/look')).cookies, [])
  assert.equal(engine.take(), { load: 1 })
  await visitor.read('/visit')
  assert.equal(engine.take(), { load: 1, update: 1 })
  assert.is(await visitor.read('/look'), '2')
})

test('rolling: false does not save again what a handler has saved', async ({ open, engine }) => {
  const visitor = await open({ rolling: false, saveUninitialized: false })
  assert.is(await visitor.read('/save'), 'true,false,true')
  assert.equal(engine.take(), { save: 1 })
  assert.ok(visitor.cookie('sessionId'))
})

test('a new session that a handler has saved is only updated at the end', async ({ open, engine }) => {
  const visitor = await open()
  await visitor.read('/save')
  assert.equal(engine.take(), { save: 1, update: 1 })
})

test('a session expires with its cookie', async ({ open, engine }) => {
  const visitor = await open({ cookie: { secure: false, maxAge: MINUTE } })
  for (const path of ['/visit', '/look', '/touch']) {
    const { cookies } = await visitor.get(path)
    const [, sent = ''] = /Expires=([^;]*)/.exec(cookies[0] ?? '') ?? []
    const { expires } = engine.lastExpiry as { expires: Date }
    assert.is(expires.toUTCString(), new Date(sent).toUTCString(), path)
  }
})

test('a cookie as long as the browser leaves the expiry to the engine', async ({ open, engine }) => {
  const visitor = await open()
  await visitor.read('/visit')
  assert.is(engine.lastExpiry, undefined)
  assert.is(await visitor.read('/cookie'), '{"date":false,"originalMaxAge":null,"path":"/"}')
})

test('options() of a session go with it', async ({ open, engine }) => {
  const visitor = await open({ cookie: { secure: false, maxAge: MINUTE } })
  const secondsLeft = () => ((engine.lastExpiry as { expires: Date }).expires.getTime() - Date.now()) / 1000
  await visitor.read('/longer')
  assert.ok(secondsLeft() > 1000)
  assert.match(await visitor.read('/cookie'), '"originalMaxAge":1800000')
  assert.ok(secondsLeft() > 1000, 'the next request has forgotten it')
})

test('a cookie is restored as it was stored', async ({ open }) => {
  const visitor = await open({ cookie: { secure: false, maxAge: MINUTE, sameSite: 'strict' } })
  await visitor.read('/visit')
  const { text, cookies } = await visitor.get('/cookie')
  assert.is(text, `{"date":true,"originalMaxAge":${MINUTE},"path":"/"}`)
  assert.match(cookies[0] ?? '', /HttpOnly; SameSite=Strict$/)
})

test('nothing of ours shows in a session', async ({ open, engine }) => {
  const visitor = await open()
  await visitor.read('/visit')
  assert.is(await visitor.read('/keys'), 'cookie,visits')
  const stored = (await engine.load(fastifyKey(visitor))) as { cookie: object }
  assert.equal(Object.keys(stored).sort(), ['cookie', 'visits'])
  assert.equal(
    Object.keys(stored.cookie).sort(),
    ['expires', 'httpOnly', 'originalMaxAge', 'path', 'sameSite', 'secure', 'domain'].sort(),
  )
})

const FORMS: Readonly<Record<string, (at: number) => unknown>> = {
  number: (at) => at,
  Date: (at) => new Date(at),
  string: (at) => new Date(at).toISOString(),
}

for (const [form, momentOf] of Object.entries(FORMS)) {
  test(`an expiry given as a ${form} counts; past, it gives a new session`, async (context) => {
    const { open, store, engine } = context
    const visitor = await open()
    await visitor.read('/visit')
    const key = fastifyKey(visitor)
    const put = async (at: number): Promise<void> => {
      const data = { cookie: { originalMaxAge: null, expires: momentOf(at) as Date }, visits: 40 }
      await new Promise<void>((resolve, reject) => {
        store.set(key, data, (error) => (error === null ? resolve() : reject(error)))
      })
      assert.equal(engine.lastExpiry, { expires: new Date(at) })
    }
    await put(Date.now() + MINUTE)
    assert.is(await visitor.read('/visit'), '41')
    await put(Date.now() - 1000)
    assert.is(await visitor.read('/visit'), '1')
    assert.is.not(fastifyKey(visitor), key)
    assert.equal(context.server.errors, [])
  })
}

test('save() and reload() in a request', async ({ open }) => {
  const visitor = await open()
  assert.is(await visitor.read('/save-reload'), '10')
  assert.is(await visitor.read('/look'), '10')
})

test('reload() of a session that was never saved empties it', async ({ open }) => {
  const visitor = await open({ saveUninitialized: false })
  assert.is(await visitor.read('/reload'), 'undefined')
})

test('reload() forgets what was not saved', async ({ open }) => {
  const visitor = await open()
  await visitor.read('/visit')
  assert.is(await visitor.read('/reload'), 'undefined')
  assert.is(await visitor.read('/look'), '1')
})

for (const path of ['/regenerate', '/regenerate-callback']) {
  test(`${path} gives a new session under a new key and deletes the old`, async ({ open, engine }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const before = fastifyKey(visitor)
    engine.take()
    const key = await visitor.read(path)
    assert.is.not(key, before)
    assert.is(fastifyKey(visitor), key)
    assert.equal(engine.take(), { load: 1, delete: 1, save: 1, update: 1 })
    assert.not(await engine.exists(before))
    assert.is(await visitor.read('/look'), path === '/regenerate' ? '1' : 'undefined')
  })
}

for (const path of ['/destroy', '/destroy-callback']) {
  test(`${path} deletes`, async ({ open, engine }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const before = fastifyKey(visitor)
    engine.take()
    assert.is(await visitor.read(path), 'null')
    assert.equal(engine.take(), { load: 1, delete: 1 })
    assert.not(await engine.exists(before))
    assert.is(await visitor.read('/visit'), '1')
    assert.is.not(fastifyKey(visitor), before)
  })
}

test('an idGenerator of the application makes the keys', async ({ open, engine }) => {
  let made = 0
  const visitor = await open({ idGenerator: () => `Käfer/${++made}` })
  await visitor.read('/visit')
  assert.is(fastifyKey(visitor), 'Käfer/1')
  assert.is(await visitor.read('/regenerate'), 'Käfer/2')
  assert.is(await visitor.read('/look'), '1')
  assert.ok(await engine.exists('Käfer/2'))
})

test('a fixed key is a session again after it was deleted', async ({ open }) => {
  const visitor = await open({ idGenerator: () => 'always the same' })
  await visitor.read('/visit')
  await visitor.read('/regenerate')
  assert.is(await visitor.read('/visit'), '2')
  await visitor.read('/destroy')
  assert.is(await visitor.read('/visit'), '1')
  assert.is(await visitor.read('/visit'), '2')
})

test('a cookiePrefix as of express-session', async ({ open }) => {
  const visitor = await open({ cookieName: 'connect.sid', cookiePrefix: 's:' })
  await visitor.read('/visit')
  assert.match(visitor.cookie('connect.sid') ?? '', /^s%3A/)
  assert.is(await visitor.read('/visit'), '2')
})

test('what somebody else has stored, without a cookie, is a session', async ({ open, engine }) => {
  const visitor = await open()
  await visitor.read('/visit')
  const key = fastifyKey(visitor)
  await engine.save(key, { visits: 7 })
  assert.is(await visitor.read('/visit'), '8')
  assert.is(fastifyKey(visitor), key)
  assert.is(((await engine.load(key)) as { cookie: { path: string } }).cookie.path, '/')
})

test('decryptSession() restores a session for something that is no request', async (context) => {
  const visitor = await context.open()
  await visitor.read('/visit')
  const signed = decodeURIComponent(visitor.cookie('sessionId') ?? '')
  const made: Partial<FastifyRequest> = {}
  await new Promise<void>((resolve) => context.server.app.decryptSession(signed, made, resolve))
  assert.is(made.session?.visits, 1)
  if (made.session !== undefined) made.session.visits = 5
  await made.session?.save()
  assert.is(await visitor.read('/look'), '5')
})

test('a forged cookie gives a new session, and the store is not asked', async ({ open, engine }) => {
  const visitor = await open()
  await visitor.read('/visit')
  const key = fastifyKey(visitor)
  const signed = visitor.cookie('sessionId') ?? ''
  for (const value of [`${key}.forged`, signed.slice(0, -4), key, '.', '%', 'x'.repeat(8000)]) {
    engine.take()
    const forger = visitor.twin()
    forger.take(`sessionId=${value}`)
    assert.is(await forger.read('/visit'), '1', value)
    assert.is.not(fastifyKey(forger), key)
    assert.equal(engine.take(), { save: 1 }, value)
  }
  assert.is(await visitor.read('/look'), '1')
})

test('a signed key that names no session is answered in one read, with a new key', async (context) => {
  const { open, engine } = context
  const visitor = await open({ saveUninitialized: false })
  const { sign } = await import('@fastify/cookie')
  for (const key of ['nobody has it', 'x'.repeat(300)]) {
    engine.take()
    visitor.take(`sessionId=${encodeURIComponent(sign(key, SECRET))}`)
    const { status, text } = await visitor.get('/look')
    assert.equal([status, text], [200, 'undefined'], key.slice(0, 20))
    assert.equal(engine.take(), { load: 1 })
    assert.is(visitor.cookie('sessionId'), undefined)
  }
})

test('many visitors at once keep their sessions apart', async (context) => {
  await context.open()
  const visitors = Array.from({ length: 20 }, () => context.server.visitor())
  const visits = visitors.map(async (visitor, index) => {
    for (let round = 0; round <= index % 3; round++) await visitor.read('/visit')
    return visitor.read('/look')
  })
  assert.equal(
    await Promise.all(visits),
    visitors.map((_, index) => String(1 + (index % 3))),
  )
})

test.run()
