import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import type { SessionEngine } from 'coatcheck'
import { type FastifySessionData, CoatcheckStore as FastifyStore } from 'coatcheck/fastify'
import { CoatcheckStore as HonoStore } from 'coatcheck/hono'
import { CoatcheckStore as KoaStore } from 'coatcheck/koa'
import { coatcheckDriver } from 'coatcheck/unstorage'
import fastify from 'fastify'
import { makeKeys } from '../workloads/keys.js'
import { type BenchSession, makeSession } from '../workloads/session.js'
import type { Case } from './case.js'

const AT_ONCE = 256

/**
 * What adapters add to a save: behind them is an engine that is done at once, and beside them that engine alone. So
 * the difference is theirs, and no disk blurs it.
 */
export async function adapterCases(): Promise<Case[]> {
  const keys = makeKeys(AT_ONCE)
  const engine = idleEngine()
  const session = makeSession(0)
  const koa = new KoaStore({ engine })
  const requests = keys.map((key) => ({ key, context: { ctx: {} } }))
  for (const { key, context } of requests) await koa.get(key, 60_000, context)
  const fastifyStore = new FastifyStore({ engine })
  const sessions = await fastifySessions(fastifyStore, keys)
  const hono = new HonoStore({ engine })
  const honoSession = {
    _data: { user: { value: session, flash: false } },
    _expire: new Date(Date.now() + 1_209_600_000).toISOString(),
    _delete: false,
    _accessed: new Date().toISOString(),
  }
  const driver = coatcheckDriver({ engine, base: 'items' })
  const text = JSON.stringify(session)
  const setItem = async (key: string): Promise<void> => driver.setItem?.(key, text, {})
  const saveBySession = ({ key, live }: LiveSession): Promise<void> =>
    new Promise((resolve, reject) => {
      fastifyStore.set(key, live, (error) => (error === null ? resolve() : reject(error)))
    })
  const all = `${AT_ONCE} at once, on an engine that does nothing`
  return [
    { name: `engine.update, ${all}`, asyncStep: () => together(keys, (key) => engine.update(key, session)) },
    {
      name: `coatcheck/koa: set, ${all}`,
      asyncStep: () =>
        together(requests, ({ key, context }) => koa.set(key, session, 1_209_600_000, context)),
    },
    {
      name: `engine.update in a callback, ${all}`,
      asyncStep: () =>
        together(keys, (key) => new Promise((resolve) => engine.update(key, session).then(resolve))),
    },
    { name: `coatcheck/fastify: set, ${all}`, asyncStep: () => together(sessions, saveBySession) },
    {
      name: `coatcheck/hono: persistSessionData, ${all}`,
      asyncStep: () => together(keys, (key) => hono.persistSessionData(key, honoSession)),
    },
    { name: `coatcheck/unstorage: setItem, ${all}`, asyncStep: () => together(keys, setItem) },
  ]
}

interface LiveSession {
  readonly key: string
  readonly live: FastifySessionData
}

/** Sessions as @fastify/session hands them to a store when it has loaded them. */
async function fastifySessions(store: FastifyStore, keys: readonly string[]): Promise<LiveSession[]> {
  const app = fastify()
  await app.register(fastifyCookie)
  const signer = { sign: String, unsign: (value: string) => ({ valid: true, renew: false, value }) }
  await app.register(fastifySession, { store, secret: signer })
  await app.ready()
  return Promise.all(
    keys.map(async (key): Promise<LiveSession> => {
      const request: { session?: FastifySessionData } = {}
      await new Promise<void>((resolve) => app.decryptSession(key, request, resolve))
      if (request.session === undefined) throw new Error('no session')
      return { key, live: request.session }
    }),
  )
}

function together<Item>(items: readonly Item[], save: (item: Item) => Promise<unknown>): Promise<unknown> {
  return Promise.all(items.map(save))
}

/** An engine that has every session, and has stored it at once. */
function idleEngine(): SessionEngine<object> {
  const done = async (): Promise<void> => undefined
  const idle = {
    create: done,
    save: done,
    update: done,
    delete: done,
    touch: async () => true,
    exists: async () => true,
    loadWithExpiry: async () => ({ session: makeSession(0), expires: new Date() }),
    load: async (): Promise<BenchSession> => makeSession(0),
    keys: async function* () {},
    count: async () => 0,
    clear: done,
  }
  return idle as unknown as SessionEngine<object>
}
