import type { SessionEngine } from 'coatcheck'
import { CoatcheckStore, contextStore } from 'coatcheck/koa'
import type { CreateSessionOptions } from 'koa-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { CountedEngine } from './counted-engine.js'
import { type KoaServer, koaKey, type Routes, startKoa } from './koa-server.js'
import type { Visitor } from './visitor.js'

interface Context {
  server: KoaServer
  /** Starts a server with these options; a first visitor of it. */
  open: (options?: CreateSessionOptions) => Promise<Visitor>
}

const MINUTE = 60_000
/** What koa-session lets a session live in the store beyond its cookie. */
const GRACE = 10_000

// The compiler's to test: what koa-session takes as options, these are.
const WAYS: Readonly<Record<string, (engine: SessionEngine<object>) => CreateSessionOptions>> = {
  store: (engine) => ({ store: new CoatcheckStore({ engine }) }),
  ContextStore: (engine) => ({ ContextStore: contextStore({ engine }) }),
}

/** Whatever koa-session lets a handler do with a session, at a path each. */
const ROUTES: Routes = {
  '/visit': (_, session) => {
    session.visits = (session.visits ?? 0) + 1
    return session.visits
  },
  '/look': (_, session) => session.visits,
  '/untouched': () => 'nothing was asked of the session',
  '/is-new': (_, session) => session.isNew,
  '/inner': (_, session) => JSON.stringify(session),
  '/shorter': (_, session) => {
    session.maxAge = MINUTE / 2
    return session.maxAge
  },
  '/save': async (_, session) => {
    session.note = 'saved'
    await session.save()
    return 'saved'
  },
  '/save-and-go': (_, session) => {
    session.note = 'saved'
    // As many applications do: koa-session saves once more before the answer goes out.
    session.save().catch(() => undefined)
    return 'saved'
  },
  '/commit': async (_, session) => {
    session.note = 'committed'
    await session.manuallyCommit()
    return 'committed'
  },
  '/regenerate': async (_, session) => {
    await session.regenerate()
    return 'regenerated'
  },
  '/end': (context) => {
    context.session = null
    return 'ended'
  },
  '/replace': (context) => {
    Reflect.set(context, 'session', { visits: 50 })
    return 'replaced'
  },
  '/throw': (_, session) => {
    session.note = 'before the error'
    throw new Error('thrown')
  },
}

for (const [way, optionsFor] of Object.entries(WAYS)) {
  const directory = temporaryDirectory('memory')
  const engine = new CountedEngine({ directory, threads: 1, maxAge: 1000, sweepInterval: false })
  const options = optionsFor(engine)
  const test = suite<Context>(`koa ${way}: over HTTP`)

  test.before.each((context) => {
    context.open = async (more) => {
      context.server = await startKoa({ ...options, ...more }, ROUTES)
      engine.take()
      return context.server.visitor()
    }
  })

  test.after.each(async ({ server }) => {
    await server.close()
  })

  test.after(() => engine.close())

  test('a session lives from request to request', async ({ open }) => {
    const visitor = await open()
    for (const visits of ['1', '2', '3']) assert.is(await visitor.read('/visit'), visits)
    assert.is(await visitor.read('/look'), '3')
    assert.ok(await engine.exists(koaKey(visitor)))
  })

  test('a session that holds nothing is not stored', async ({ open }) => {
    const visitor = await open()
    for (const path of ['/untouched', '/look']) assert.equal((await visitor.get(path)).cookies, [])
    assert.equal(engine.take(), {})
  })

  test('only what has changed is saved', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    assert.equal(engine.take(), { save: 1 })
    assert.equal((await visitor.get('/look')).cookies, [])
    assert.equal(engine.take(), { load: 1 })
    await visitor.read('/visit')
    assert.equal(engine.take(), { load: 1, update: 1 })
  })

  test('rolling: true saves every time', async ({ open }) => {
    const visitor = await open({ rolling: true })
    await visitor.read('/visit')
    engine.take()
    assert.is((await visitor.get('/look')).cookies.length, 2)
    assert.equal(engine.take(), { load: 1, update: 1 })
  })

  test('renew: true saves when half of the life is over', async ({ open }) => {
    const visitor = await open({ renew: true, maxAge: MINUTE })
    await visitor.read('/visit')
    engine.take()
    await visitor.read('/look')
    assert.equal(engine.take(), { load: 1 })
    // As after forty seconds.
    const old = { visits: 1, _maxAge: MINUTE, _expire: Date.now() + MINUTE / 3 }
    await engine.save(koaKey(visitor), old)
    engine.take()
    await visitor.read('/look')
    assert.equal(engine.take(), { load: 1, update: 1 })
  })

  test('a session lives as long as koa-session says', async ({ open }) => {
    const visitor = await open({ maxAge: MINUTE })
    await visitor.read('/visit')
    assert.equal(engine.lastExpiry, { maxAge: (MINUTE + GRACE) / 1000 })
    await visitor.read('/shorter')
    assert.equal(engine.lastExpiry, { maxAge: (MINUTE / 2 + GRACE) / 1000 })
    // koa-session keeps the age in the session.
    await visitor.read('/visit')
    assert.equal(engine.lastExpiry, { maxAge: (MINUTE / 2 + GRACE) / 1000 })
  })

  test("maxAge: 'session' leaves the expiry to the engine", async ({ open }) => {
    const visitor = await open({ maxAge: 'session' })
    for (const visits of ['1', '2']) {
      const { text, cookies } = await visitor.get('/visit')
      assert.is(text, visits)
      assert.is(engine.lastExpiry, undefined)
      assert.not.match(cookies.join(), /expires=/i)
    }
  })

  test('a session that has expired by its own account is a new one', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const key = koaKey(visitor)
    await engine.save(key, { visits: 40, _maxAge: MINUTE, _expire: Date.now() + MINUTE })
    assert.is(await visitor.read('/visit'), '41')
    await engine.save(key, { visits: 40, _maxAge: MINUTE, _expire: Date.now() - 1 })
    assert.is(await visitor.read('/visit'), '1')
    assert.is.not(koaKey(visitor), key)
  })

  test('what comes back of a session is what went in', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    await visitor.read('/save')
    assert.is(await visitor.read('/inner'), '{"visits":1,"note":"saved"}')
  })

  test('save() in a request is followed by an update', async ({ open }) => {
    const visitor = await open()
    for (const path of ['/save', '/save-and-go']) {
      assert.is(await visitor.read(path), 'saved')
      assert.is(JSON.parse(await visitor.read('/inner')).note, 'saved')
    }
  })

  test('autoCommit: false stores what is committed by hand', async ({ open }) => {
    const visitor = await open({ autoCommit: false })
    assert.equal((await visitor.get('/visit')).cookies, [])
    assert.equal(engine.take(), {})
    await visitor.read('/commit')
    assert.equal(engine.take(), { save: 1 })
    assert.is(JSON.parse(await visitor.read('/inner')).note, 'committed')
  })

  test('regenerate() moves the session to a new key', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const before = koaKey(visitor)
    await visitor.read('/regenerate')
    assert.is.not(koaKey(visitor), before)
    assert.not(await engine.exists(before))
    assert.is(await visitor.read('/visit'), '2')
  })

  test('a session set to null is deleted', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const before = koaKey(visitor)
    await visitor.read('/end')
    assert.is(koaKey(visitor), '')
    assert.not(await engine.exists(before))
    assert.is(await visitor.read('/visit'), '1')
  })

  test('a session that is replaced keeps its key', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const before = koaKey(visitor)
    await visitor.read('/replace')
    assert.is(koaKey(visitor), before)
    assert.is(await visitor.read('/visit'), '51')
  })

  test('a session is saved, too, when a handler throws', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    assert.is((await visitor.get('/throw')).status, 500)
    assert.is(JSON.parse(await visitor.read('/inner')).note, 'before the error')
  })

  test('genid and prefix make the keys', async ({ open }) => {
    let made = 0
    const visitor = await open({ genid: () => `visitor-${++made}` })
    await visitor.read('/visit')
    assert.is(koaKey(visitor), 'visitor-1')
    assert.is(await visitor.read('/visit'), '2')
    await visitor.read('/regenerate')
    assert.is(koaKey(visitor), 'visitor-2')
    assert.is(await visitor.read('/visit'), '3')
  })

  test('a fixed key is a session again after it was deleted', async ({ open }) => {
    const visitor = await open({ genid: () => `fixed ${way}`, signed: false })
    await visitor.read('/visit')
    await visitor.read('/regenerate')
    assert.is(await visitor.read('/visit'), '2')
    await visitor.read('/end')
    assert.is(await visitor.read('/visit'), '1')
    assert.is(await visitor.read('/visit'), '2')
  })

  test('an external key names the session where there is no cookie', async ({ open }) => {
    let token = ''
    const externalKey = {
      get: () => token,
      set(_: unknown, key: string) {
        token = key
      },
    }
    const visitor = await open({ externalKey })
    assert.equal((await visitor.get('/visit')).cookies, [])
    assert.is(await visitor.read('/visit'), '2')
    assert.ok(await engine.exists(token))
  })

  test('a session that the application does not hold valid is a new one', async ({ open }) => {
    const visitor = await open({ valid: (_: unknown, session: { visits?: number }) => session.visits !== 2 })
    await visitor.read('/visit')
    assert.is(await visitor.read('/visit'), '2')
    assert.is(await visitor.read('/visit'), '1')
  })

  test('a forged cookie gives a new session, and the store is not asked', async ({ open }) => {
    const visitor = await open()
    await visitor.read('/visit')
    const key = koaKey(visitor)
    for (const value of [key, '..', 'x'.repeat(7000)]) {
      engine.take()
      const forger = visitor.twin()
      forger.take(`koa.sess=${value}`)
      forger.take('koa.sess.sig=forged')
      assert.is(await forger.read('/visit'), '1')
      assert.is.not(koaKey(forger), key)
      assert.equal(engine.take(), { save: 1 })
    }
    assert.is(await visitor.read('/look'), '1')
  })

  test('a key that names no session is answered in one read, with a new key', async ({ open }) => {
    const visitor = await open({ signed: false })
    for (const key of ['nobody-has-it', '../../etc/passwd', 'x'.repeat(300), 'x'.repeat(7000)]) {
      engine.take()
      visitor.take(`koa.sess=${key}`)
      const { status, text } = await visitor.get('/is-new')
      assert.equal([status, text], [200, 'true'], key.slice(0, 20))
      assert.equal(engine.take(), { load: 1 })
      assert.not(await engine.exists(key.slice(0, 256)))
    }
    await visitor.read('/visit')
    assert.match(koaKey(visitor), /^[0-9a-f-]{36}$/)
  })

  test.run()
}
