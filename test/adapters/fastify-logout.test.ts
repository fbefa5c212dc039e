import { SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/fastify'
import type { FastifyInstance } from 'fastify'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { type FastifyServer, fastifyKey, startFastify } from './fastify-server.js'
import { Gate } from './gate.js'
import type { Visitor } from './visitor.js'

interface Context {
  engine: SessionEngine<object>
  server: FastifyServer
  visitor: Visitor
  /** A slow request has its session in its hands. */
  arrived: Gate
  /** The slow request may go on. */
  goOn: Gate
}

const OVERLAPPING = 64
const test = suite<Context>('fastify store: a logout stays a logout')

test.before((context) => {
  const directory = temporaryDirectory('memory')
  context.engine = new SessionEngine<object>({ directory, threads: 1, sweepInterval: false })
})

test.before.each(async (context) => {
  context.arrived = new Gate()
  context.goOn = new Gate()
  const store = new CoatcheckStore({ engine: context.engine })
  context.server = await startFastify(store, (app) => addRoutes(app, context))
  context.visitor = context.server.visitor()
  await context.visitor.read('/visit')
})

test.after.each(async ({ server }) => {
  await server.close()
})

test.after(async ({ engine }) => {
  await engine.close()
})

function addRoutes(app: FastifyInstance, context: Context): void {
  const wait = async (): Promise<void> => {
    context.arrived.open()
    await context.goOn.opened
  }
  app.get('/visit', async ({ session }) => {
    session.visits = (session.visits ?? 0) + 1
    return String(session.visits)
  })
  app.get('/slow', async (request) => {
    request.session.note = 'slow'
    await wait()
    return 'slow'
  })
  app.get('/slow-save', async (request) => {
    await wait()
    request.session.note = 'slow'
    await request.session.save()
    return 'slow'
  })
  app.get('/slow-options', async (request) => {
    request.session.options({ maxAge: 60_000 })
    await wait()
    return 'slow'
  })
  app.get('/slow-reload', async (request) => {
    await request.session.reload()
    request.session.note = 'reloaded'
    await wait()
    return 'slow'
  })
  app.get('/slow-late-reload', async (request) => {
    await wait()
    await request.session.reload()
    return 'slow'
  })
  app.get('/slow-regenerate', async (request) => {
    request.session.note = 'slow'
    await wait()
    await request.session.regenerate(['note', 'visits'])
    return 'slow'
  })
  app.get('/slow-login', async (request) => {
    await wait()
    await request.session.regenerate()
    request.session.note = 'logged in'
    return 'slow'
  })
  app.get('/keep', async (request) => {
    await request.session.regenerate(['visits'])
    return 'kept'
  })
  app.get('/fresh', async (request) => {
    request.session.note = 'fresh'
    await request.session.regenerate(['note'])
    return String(request.session.note)
  })
  app.get('/slow-new', async (request) => {
    await request.session.regenerate()
    await wait()
    request.session.note = 'second'
    return request.session.sessionId
  })
  app.get('/logout', async (request) => {
    await request.session.destroy()
    return 'bye'
  })
  app.get('/login', async (request) => {
    await request.session.regenerate()
    return 'hello'
  })
}

for (const way of ['/logout', '/login']) {
  for (const slow of [
    '/slow',
    '/slow-save',
    '/slow-options',
    '/slow-reload',
    '/slow-late-reload',
    '/slow-regenerate',
  ]) {
    test(`${slow} does not undo a ${way}`, async ({ engine, server, visitor, arrived, goOn }) => {
      const key = fastifyKey(visitor)
      const old = visitor.twin()
      const late = visitor.twin().get(slow)
      await arrived.opened
      await visitor.read(way)
      assert.not(await engine.exists(key))
      goOn.open()
      const { status, text } = await late
      assert.equal([status, text], [200, 'slow'])
      assert.not(await engine.exists(key), 'the session is back')
      for await (const stored of engine.keys()) {
        const { note } = ((await engine.load(stored)) ?? {}) as { note?: string }
        assert.is(note, undefined, 'the session is back under another key')
      }
      assert.equal(server.errors, [])
      // Whoever still has the cookie gets a new, empty session.
      assert.is(await old.read('/visit'), '1')
      assert.is.not(fastifyKey(old), key)
    })
  }
}

test('a login that overlaps with a logout is kept', async ({ engine, visitor, arrived, goOn }) => {
  const slow = visitor.twin()
  const late = slow.read('/slow-login')
  await arrived.opened
  await visitor.read('/logout')
  goOn.open()
  assert.is(await late, 'slow')
  assert.is(((await engine.load(fastifyKey(slow))) as { note?: string }).note, 'logged in')
  await engine.delete(fastifyKey(slow))
})

test('regenerate(keys) keeps data, of old sessions and of new ones', async ({ engine, server, visitor }) => {
  await visitor.read('/keep')
  assert.is(await visitor.read('/visit'), '2')
  const other = server.visitor()
  await other.read('/fresh')
  assert.is(((await engine.load(fastifyKey(other))) as { note?: string }).note, 'fresh')
  await engine.delete(fastifyKey(other))
})

test('a session that another engine on the directory deletes stays deleted, too', async () => {
  const directory = temporaryDirectory('memory')
  const [here, elsewhere] = [0, 1].map(() => new SessionEngine<object>({ directory, threads: 1 })) as [
    SessionEngine<object>,
    SessionEngine<object>,
  ]
  const gates = { arrived: new Gate(), goOn: new Gate() }
  const store = new CoatcheckStore({ engine: here })
  const server = await startFastify(store, (app) => addRoutes(app, gates as Context))
  try {
    const visitor = server.visitor()
    await visitor.read('/visit')
    const late = visitor.twin().get('/slow')
    await gates.arrived.opened
    await elsewhere.delete(fastifyKey(visitor))
    gates.goOn.open()
    assert.is((await late).status, 200)
    assert.not(await elsewhere.exists(fastifyKey(visitor)))
  } finally {
    await server.close()
    await Promise.all([here.close(), elsewhere.close()])
  }
})

test('a new session that was stored and deleted within one request stays deleted', async (context) => {
  const { engine, server, visitor, arrived, goOn } = context
  const late = visitor.get('/slow-new')
  await arrived.opened
  const keys: string[] = []
  for await (const key of engine.keys()) keys.push(key)
  for (const key of keys) await engine.delete(key)
  goOn.open()
  const { text } = await late
  assert.ok(keys.includes(text))
  assert.not(await engine.exists(text))
  assert.equal(server.errors, [])
})

test('a new session that was stored within a request is stored again at its end', async (context) => {
  const { engine, visitor, goOn } = context
  goOn.open()
  const key = await visitor.read('/slow-new')
  assert.is(((await engine.load(key)) as { note?: string }).note, 'second')
})

test(`of ${OVERLAPPING} overlapping requests of one session all succeed, and one wins whole`, async (context) => {
  const { engine, server, visitor } = context
  const answers = Array.from({ length: OVERLAPPING }, () => visitor.twin().get('/visit'))
  const counts: number[] = []
  for (const { status, text } of await Promise.all(answers)) {
    assert.is(status, 200)
    counts.push(Number(text))
  }
  const stored = (await engine.load(fastifyKey(visitor))) as { visits: number }
  assert.ok(counts.includes(stored.visits), `${stored.visits} is none of ${counts.join()}`)
  assert.is(await visitor.read('/visit'), String(stored.visits + 1))
  assert.equal(server.errors, [])
})

test(`a logout among ${OVERLAPPING} overlapping requests wins over all of them`, async (context) => {
  const { engine, server, visitor } = context
  const key = fastifyKey(visitor)
  const before = Array.from({ length: OVERLAPPING / 2 }, () => visitor.twin().get('/visit'))
  const logout = visitor.twin().get('/logout')
  const after = Array.from({ length: OVERLAPPING / 2 - 1 }, () => visitor.twin().get('/visit'))
  for (const { status } of await Promise.all([...before, logout, ...after])) assert.is(status, 200)
  assert.not(await engine.exists(key), 'the session is back')
  assert.equal(server.errors, [])
})

test.run()
