import { type Expiry, SessionEngine } from 'coatcheck'
import { type AdapterOptions, CoatcheckStore, type ContextStore, contextStore } from 'coatcheck/koa'
import type { SessionOptions } from 'koa-session'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { CountedEngine } from './counted-engine.js'
import { Gate } from './gate.js'
import { koaKey, type Routes, startKoa } from './koa-server.js'

// The compiler's to test: it can be given to koa-session, which calls it as declared.
const asDeclared = (store: CoatcheckStore): NonNullable<SessionOptions['store']> => store
const asDeclaredToo = (store: ContextStore): NonNullable<SessionOptions['store']> => store

const test = suite<{ engine: CountedEngine; store: CoatcheckStore }>('koa store')

test.before((context) => {
  const directory = temporaryDirectory('memory')
  context.engine = new CountedEngine({ directory, threads: 1, sweepInterval: false })
  context.store = new CoatcheckStore({ engine: context.engine })
})

test.after(async ({ engine }) => {
  await engine.close()
})

const codeOf = (outcome: Promise<unknown>): Promise<unknown> =>
  outcome.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )

test('get, set and destroy, as koa-session declares them', async ({ store, engine }) => {
  const Store = contextStore({ engine })
  for (const declared of [asDeclared(store), asDeclaredToo(new Store())]) {
    const more = { rolling: false, changed: true, ctx: {} }
    await declared.set('declared', { visits: 3, _expire: 1, _maxAge: 2 }, 60_000, more)
    assert.equal(await declared.get('declared', 60_000, more), { visits: 3, _expire: 1, _maxAge: 2 })
    await declared.destroy('declared', more)
    assert.is(await declared.get('declared', 60_000, more), undefined)
  }
})

test('what is said not to have changed is stored all the same', async ({ store }) => {
  const ctx = {}
  await store.set('unchanged', { visits: 1 }, 60_000, { ctx })
  await asDeclared(store).set('unchanged', { visits: 2 }, 60_000, { rolling: false, changed: false, ctx })
  assert.equal(await store.get('unchanged'), { visits: 2 })
})

test('what is not there is undefined, and never an error', async ({ store }) => {
  for (const key of ['missing', '', 'x'.repeat(257)]) assert.is(await store.get(key), undefined)
  await store.destroy('missing')
})

test('milliseconds, a session of the browser, and no age at all', async ({ store, engine }) => {
  const expiries: (Expiry | undefined)[] = []
  for (const maxAge of [60_000, 'session', undefined] as const) {
    await store.set('aged', {}, maxAge, { ctx: {} })
    expiries.push(engine.lastExpiry)
  }
  assert.equal(expiries, [{ maxAge: 60 }, undefined, undefined])
})

test('what a request has loaded is only updated; without a request it is stored', async ({
  store,
  engine,
}) => {
  const [first, second] = [{ ctx: {} }, { ctx: {} }]
  await store.set('a', { visits: 1 }, 60_000, first)
  assert.ok(await store.get('a', 60_000, second))
  await store.destroy('a', first)
  await store.set('a', { visits: 2 }, 60_000, second)
  assert.not(await engine.exists('a'))
  await store.set('a', { visits: 3 })
  assert.equal(await engine.load('a'), { visits: 3 })
  await store.destroy('a')
  // Whoever has deleted it himself wants it back.
  await store.set('a', { visits: 4 }, 60_000, first)
  assert.equal(await engine.load('a'), { visits: 4 })
})

test('what a request has loaded and does not find again stays deleted', async ({ store, engine }) => {
  const request = { ctx: {} }
  await store.set('b', { visits: 1 })
  await store.get('b', 60_000, request)
  await store.destroy('b')
  assert.is(await store.get('b', 60_000, request), undefined)
  await store.set('b', { visits: 2 }, 60_000, request)
  assert.not(await engine.exists('b'))
})

test('what is stored is the session as it was at the call', async ({ store }) => {
  const data = { visits: 1 }
  const saved = store.set('snapshot', data)
  data.visits = 2
  await saved
  assert.equal(await store.get('snapshot'), { visits: 1 })
})

test('a first save that failed is repeated by the next', async ({ store, engine }) => {
  const request = { ctx: {} }
  assert.is(await codeOf(store.set('c', { handler() {} }, 60_000, request)), 'COATCHECK_ENCODE')
  await store.set('c', { visits: 1 }, 60_000, request)
  assert.ok(await engine.exists('c'))
})

test('errors reject', async ({ store }) => {
  assert.is(await codeOf(store.set('x'.repeat(257), {})), 'COATCHECK_INVALID_KEY')
  assert.is(await codeOf(store.set('bad', null as never)), 'COATCHECK_ENCODE')
  assert.is(await codeOf(store.destroy('')), 'COATCHECK_INVALID_KEY')
  const refused = await store.set('bad', {}, Number.NaN).catch((error: Error) => error)
  assert.match((refused as Error).message, /option "maxAge" is NaN/)
})

test('options are checked as those of every adapter', () => {
  const makers = [(options: AdapterOptions) => new CoatcheckStore(options), contextStore]
  for (const make of makers) {
    const refused = (options: unknown, expected: RegExp): void =>
      assert.throws(
        () => make(options as AdapterOptions),
        (error: unknown) => error instanceof TypeError && expected.test(error.message),
      )
    refused(undefined, /option "options" is undefined; expected an object/)
    refused({}, /option "storage" is undefined; expected a storage .* or directory/)
    refused({ directory: 'x', ttl: 5 }, /option "ttl" is 5; expected one of engine, storage, directory/)
    refused({ engine: {} }, /option "engine" is \{\}; expected a SessionEngine/)
  }
})

test('close() closes an engine of its own and leaves a shared one open', async ({ store, engine }) => {
  const own = new CoatcheckStore({ directory: temporaryDirectory('memory'), threads: 1 })
  const Own = contextStore({ directory: temporaryDirectory('memory'), threads: 1 })
  for (const [closable, methods] of [
    [own, own],
    [Own, new Own()],
  ] as const) {
    await methods.set('a', {})
    await closable.close()
    assert.is(await codeOf(methods.get('a')), 'COATCHECK_CLOSED')
    assert.is(await codeOf(methods.set('a', {})), 'COATCHECK_CLOSED')
    assert.is(await codeOf(methods.destroy('a')), 'COATCHECK_CLOSED')
  }
  const Shared = contextStore({ engine })
  await store.close()
  await Shared.close()
  assert.is(store.engine, engine)
  assert.is(Shared.engine, engine)
  await store.set('still open', {})
})

const circular: Record<string, unknown> = {}
circular.self = circular

const ROUTES: Routes = {
  '/visit': (_, session) => {
    session.visits = (session.visits ?? 0) + 1
    return session.visits
  },
  '/circular': (_, session) => {
    session.note = circular
  },
  '/function': (_, session) => {
    session.note = { callback() {} }
  },
}

test('a ContextStore can be extended, and told of its request', async ({ engine }) => {
  const paths: string[] = []
  class Told extends contextStore({ engine }) {
    readonly #context: { readonly path: string }

    constructor(context: { readonly path: string }) {
      super(context)
      this.#context = context
    }

    override set(...values: Parameters<ContextStore['set']>): Promise<void> {
      paths.push(this.#context.path)
      return super.set(...values)
    }
  }
  const server = await startKoa({ ContextStore: Told }, ROUTES)
  try {
    const visitor = server.visitor()
    await visitor.read('/visit')
    assert.is(await visitor.read('/visit'), '2')
    assert.equal(paths, ['/visit', '/visit'])
    assert.is(Told.engine, engine)
  } finally {
    await server.close()
  }
})

test('what cannot be stored is the error of its request, and the old session stays', async ({ store }) => {
  const server = await startKoa({ store }, ROUTES)
  try {
    const visitor = server.visitor()
    await visitor.read('/visit')
    for (const path of ['/circular', '/function']) {
      const { status, cookies } = await visitor.get(path)
      assert.equal([status, cookies], [500, []], path)
    }
    // What contains itself does not get past koa-session's own comparison.
    assert.match(server.errors[0]?.message ?? '', /circular/)
    assert.is(server.errors[1]?.code, 'COATCHECK_ENCODE')
    assert.is(await visitor.read('/visit'), '2')
  } finally {
    await server.close()
  }
})

test('an engine that is closed, or overloaded, is an error before and after the handler', async () => {
  const own = new SessionEngine<object>({
    directory: temporaryDirectory('memory'),
    threads: 1,
    maxPending: { operations: 1 },
  })
  const [arrived, goOn] = [new Gate(), new Gate()]
  const server = await startKoa(
    { ContextStore: contextStore({ engine: own }) },
    {
      ...ROUTES,
      '/busy': async (_, session) => {
        const other = own.save('another', {})
        await session.save().finally(() => other)
      },
      '/slow': async (_, session) => {
        session.note = 'slow'
        arrived.open()
        await goOn.opened
      },
    },
  )
  const visitor = server.visitor()
  const told = async (path: string, code: string): Promise<void> => {
    assert.is((await visitor.get(path)).status, 500, path)
    assert.is(server.errors.splice(0).pop()?.code, code, path)
  }
  try {
    assert.is(await visitor.read('/visit'), '1')
    await told('/busy', 'COATCHECK_OVERLOADED')
    assert.is(await visitor.read('/visit'), '2')
    const late = told('/slow', 'COATCHECK_CLOSED')
    await arrived.opened
    await own.close()
    goOn.open()
    await late
    await told('/visit', 'COATCHECK_CLOSED')
    assert.ok(koaKey(visitor))
  } finally {
    await server.close()
    await own.close()
  }
})

test.run()
