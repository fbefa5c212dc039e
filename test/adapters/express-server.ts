import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Express } from 'express'
import session, { type SessionOptions, type Store } from 'express-session'

declare module 'express-session' {
  interface SessionData {
    visits: number
    note: unknown
  }
}

/** A real Express app on a real port. */
export interface TestServer {
  readonly url: string
  /** What Express's error handler was given. */
  readonly errors: unknown[]
  /** Resolves with the next error that Express's error handler is given. */
  nextError(): Promise<unknown>
  close(): Promise<void>
}

/** Starts an app with express-session, the store and the routes. */
export async function startServer(
  store: Store,
  addRoutes: (app: Express) => void,
  options: Partial<SessionOptions> = {},
): Promise<TestServer> {
  const app = express()
  app.use(session({ store, secret: 'test', resave: false, saveUninitialized: false, ...options }))
  addRoutes(app)
  const errors: unknown[] = []
  let listening: ((error: unknown) => void)[] = []
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    errors.push(error)
    for (const listener of listening) listener(error)
    listening = []
    if (!response.headersSent) response.status(500).send('failed')
  }
  app.use(onError)
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    errors,
    nextError: () => new Promise((resolve) => listening.push(resolve)),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Keeps the session cookie between requests, as a browser does. */
export class Browser {
  readonly #url: string
  cookie: string | undefined

  constructor(server: TestServer, cookie?: string) {
    this.#url = server.url
    this.cookie = cookie
  }

  /** The key of the session that the cookie names. */
  get key(): string {
    const value = decodeURIComponent(this.cookie?.split('=')[1] ?? '')
    return value.slice(2, value.lastIndexOf('.'))
  }

  /** The answer's text; keeps the cookie that comes with it. */
  async visit(path: string): Promise<string> {
    const response = await this.request(path)
    return response.text()
  }

  async request(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.#url + path, {
      headers: this.cookie === undefined ? headers : { cookie: this.cookie, ...headers },
    })
    const [setCookie] = response.headers.getSetCookie()
    if (setCookie !== undefined) this.cookie = setCookie.split(';')[0]
    return response
  }
}
