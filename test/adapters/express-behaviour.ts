import { SessionEngine } from 'coatcheck'
import type { CoatcheckStore } from 'coatcheck/express'
import type { RequestHandler } from 'express'
import type { SessionOptions } from 'express-session'
import { suite, type Test } from 'uvu'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { answerOf, getFrom } from './callbacks.js'
import { CountedStore } from './counted-store.js'
import { Browser, startServer, type TestServer } from './express-server.js'

/*
 * For the tests of what express-session expects of its stores, as its own tests have it, over the real express-session.
 */

export const MINUTE = 60_000

/** What these tests have at hand. */
export interface BehaviourContext {
  engine: SessionEngine<object>
  store: CountedStore
  /** The one that was opened last. */
  server: TestServer
  /** Starts an app of one handler; both `resave` and `saveUninitialized` are on, as by default. */
  open: (handler: RequestHandler, options?: Partial<SessionOptions>) => Promise<Browser>
}

/** A suite whose tests share an engine, emptied for each of them. */
export function behaviourSuite(name: string): Test<BehaviourContext> {
  const test = suite<BehaviourContext>(name)
  const opened: TestServer[] = []

  test.before((context) => {
    context.engine = new SessionEngine<object>({ directory: temporaryDirectory('memory'), threads: 1 })
  })

  test.before.each(async (context) => {
    await context.engine.clear()
    context.store = new CountedStore({ engine: context.engine })
    context.open = async (handler, options) => {
      const common = { resave: true, saveUninitialized: true, cookie: { maxAge: MINUTE } }
      const addRoutes: Parameters<typeof startServer>[1] = (app) => void app.use(handler)
      context.server = await startServer(context.store, addRoutes, { ...common, ...options })
      opened.push(context.server)
      return new Browser(context.server)
    }
  })

  test.after.each(async () => {
    for (const server of opened.splice(0)) await server.close()
  })

  test.after(async ({ engine }) => {
    await engine.close()
  })

  return test
}

export const countHits: RequestHandler = (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  response.send(`hits: ${request.session.visits}`)
}

export const answer: RequestHandler = (_request, response) => void response.end()

export const lengthOf = (store: CoatcheckStore) => answerOf<number>((callback) => store.length(callback))

/** When a session's cookie says that it ends. */
export const expiryOf = async (store: CoatcheckStore, key: string) =>
  new Date((await getFrom(store, key))?.cookie.expires ?? Number.NaN).getTime()
