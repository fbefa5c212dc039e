import { SessionEngine } from 'coatcheck'
import { CoatcheckStore, contextStore } from 'coatcheck/koa'
import type { CreateSessionOptions } from 'koa-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Gate } from './gate.js'
import { type KoaServer, koaKey, type Routes, startKoa } from './koa-server.js'
import type { Visitor } from './visitor.js'

interface Context {
  server: KoaServer
  visitor: Visitor
  /** A slow request has its session in its hands. */
  arrived: Gate
  /** The slow request may go on. */
  goOn: Gate
}

const OVERLAPPING = 64
const WAYS: Readonly<Record<string, (engine: SessionEngine<object>) => CreateSessionOptions>> = {
  store: (engine) => ({ store: new CoatcheckStore({ engine }) }),
  ContextStore: (engine) => ({ ContextStore: contextStore({ engine }) }),
}

function routes(context: Context): Routes {
  const wait = async (): Promise<void> => {
    context.arrived.open()
    await context.goOn.opened
  }
  return {
    '/visit': (_, session) => {
      session.visits = (session.visits ?? 0) + 1
      return session.visits
    },
    '/slow': async (_, session) => {
      session.note = 'slow'
      await wait()
      return 'slow'
    },
    '/slow-save': async (_, session) => {
      await wait()
      session.note = 'slow'
      await session.save()
      return 'slow'
    },
    '/slow-replace': async (koa) => {
      await wait()
      Reflect.set(koa, 'session', { visits: 50 })
      return 'slow'
    },
    '/slow-regenerate': async (_, session) => {
      session.note = 'slow'
      await wait()
      await session.regenerate()
      session.note = 'slower'
      return 'slow'
    },
    '/slow-new': async (_, session) => {
      session.note = 'first'
      await session.regenerate()
      await wait()
      session.note = 'second'
      return 'slow'
    },
    '/logout': (koa) => {
      koa.session = null
      return 'bye'
    },
    '/login': async (_, session) => {
      await session.regenerate()
      return 'hello'
    },
  }
}

for (const [way, optionsFor] of Object.entries(WAYS)) {
  const directory = temporaryDirectory('memory')
  const engine = new SessionEngine<object>({ directory, threads: 1, sweepInterval: false })
  const options = optionsFor(engine)
  const test = suite<Context>(`koa ${way}: a logout stays a logout`)

  test.before.each(async (context) => {
    context.arrived = new Gate()
    context.goOn = new Gate()
    context.server = await startKoa({ rolling: true, ...options }, routes(context))
    context.visitor = context.server.visitor()
    await context.visitor.read('/visit')
  })

  test.after.each(async ({ server }) => {
    await server.close()
  })

  test.after(() => engine.close())

  for (const end of ['/logout', '/login']) {
    for (const slow of ['/slow', '/slow-save', '/slow-replace', '/slow-regenerate']) {
      test(`${slow} does not undo a ${end}`, async ({ server, visitor, arrived, goOn }) => {
        const key = koaKey(visitor)
        const old = visitor.twin()
        const late = visitor.twin().get(slow)
        await arrived.opened
        await visitor.read(end)
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
        assert.is.not(koaKey(old), key)
      })
    }
  }

  test('two requests that both regenerate leave one session', async ({ server, visitor, arrived, goOn }) => {
    await engine.clear()
    await visitor.read('/visit')
    const late = visitor.twin().get('/slow-regenerate')
    await arrived.opened
    await visitor.read('/login')
    goOn.open()
    assert.is((await late).status, 200)
    assert.is(await engine.count(), 1)
    assert.is(await visitor.read('/visit'), '2')
    assert.equal(server.errors, [])
  })

  test('a session that nobody else deletes is regenerated with its data, as often as one likes', async (context) => {
    const { server, visitor } = context
    for (const visits of ['2', '3', '4']) {
      await visitor.read('/login')
      assert.is(await visitor.read('/visit'), visits)
    }
    assert.equal(server.errors, [])
  })

  test('a new session that was stored and deleted within one request stays deleted', async (context) => {
    const { server, visitor, arrived, goOn } = context
    const late = visitor.get('/slow-new')
    await arrived.opened
    await engine.clear()
    goOn.open()
    assert.is((await late).status, 200)
    assert.is(await engine.count(), 0)
    assert.equal(server.errors, [])
  })

  test('a new session that was stored within a request is stored again at its end', async (context) => {
    const { visitor, goOn } = context
    goOn.open()
    await visitor.read('/slow-new')
    assert.is(((await engine.load(koaKey(visitor))) as { note?: string }).note, 'second')
  })

  test(`of ${OVERLAPPING} overlapping requests of one session all succeed, and one wins whole`, async (context) => {
    const { server, visitor } = context
    const answers = Array.from({ length: OVERLAPPING }, () => visitor.twin().get('/visit'))
    const counts: number[] = []
    for (const { status, text } of await Promise.all(answers)) {
      assert.is(status, 200)
      counts.push(Number(text))
    }
    const stored = (await engine.load(koaKey(visitor))) as { visits: number }
    assert.ok(counts.includes(stored.visits), `${stored.visits} is none of ${counts.join()}`)
    assert.is(await visitor.read('/visit'), String(stored.visits + 1))
    assert.equal(server.errors, [])
  })

  test(`a logout among ${OVERLAPPING} overlapping requests wins over all of them`, async (context) => {
    const { server, visitor } = context
    const key = koaKey(visitor)
    const before = Array.from({ length: OVERLAPPING / 2 }, () => visitor.twin().get('/visit'))
    const logout = visitor.twin().get('/logout')
    const after = Array.from({ length: OVERLAPPING / 2 - 1 }, () => visitor.twin().get('/visit'))
    for (const { status } of await Promise.all([...before, logout, ...after])) assert.is(status, 200)
    assert.not(await engine.exists(key), 'the session is back')
    assert.equal(server.errors, [])
  })

  test.run()
}
