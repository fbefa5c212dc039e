import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { CoatcheckStore } from 'coatcheck/hono'
import { Hono } from 'hono'
import { type Session, type SessionOptions, sessionMiddleware } from 'hono-sessions'

/** What the sessions of these tests hold. */
export interface Visits {
  visits: number
  note: unknown
}

/** A Hono app whose handlers find a session. */
export type HonoApp = Hono<{ Variables: { session: Session<Visits>; session_key_rotation: boolean } }>

/** A real Hono app on a real port. */
export interface HonoServer {
  readonly url: string
  /** What Hono's `onError` was given. */
  readonly errors: unknown[]
  close(): Promise<void>
}

/** Starts an app with hono-sessions, the store and the routes. */
export async function startHono(
  store: CoatcheckStore,
  addRoutes: (app: HonoApp) => void,
  options: Partial<SessionOptions> = {},
): Promise<HonoServer> {
  const app: HonoApp = new Hono()
  const errors: unknown[] = []
  app.onError((error, context) => {
    errors.push(error)
    return context.text('failed', 'code' in error && error.code === 'COATCHECK_OVERLOADED' ? 503 : 500)
  })
  app.use(sessionMiddleware({ store, ...options }))
  addRoutes(app)
  const server = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    errors,
    async close() {
      const closed = once(server, 'close')
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}

/** Keeps the session cookie between requests, as a browser does. */
export class HonoBrowser {
  readonly #url: string
  cookie: string | undefined

  constructor(server: HonoServer, cookie?: string) {
    this.#url = server.url
    this.cookie = cookie
  }

  /** The value of the cookie: the session's key, where it is not encrypted. */
  get key(): string {
    return this.cookie?.split('=')[1] ?? ''
  }

  /** The answer's text; keeps the cookie that comes with it. */
  async visit(path: string): Promise<string> {
    const response = await this.request(path)
    return response.text()
  }

  async request(path: string): Promise<Response> {
    const response = await fetch(this.#url + path, {
      headers: this.cookie === undefined ? {} : { cookie: this.cookie },
    })
    const setCookie = response.headers.getSetCookie().at(-1)
    if (setCookie !== undefined) this.cookie = setCookie.split(';')[0]
    return response
  }
}
