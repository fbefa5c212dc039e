import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type SessionRequest, type SessionsOptions, sessions } from 'coatcheck/session'
import { parseSetCookie, type SetCookie } from 'cookie'

/*
 * Real servers and clients over HTTP.
 */

/** What an answer was. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly cookies: readonly SetCookie[]
  readonly text: string
}

/** What a handler of `node:http` is given here. */
export type Handler = (request: SessionRequest, response: ServerResponse) => unknown

/** Serves on a free port while the body runs. */
export async function serving(
  listener: RequestListener,
  body: (url: string, port: number) => Promise<void>,
): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    await body(`http://127.0.0.1:${port}`, port)
  } finally {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
}

/** A handler of `node:http` behind the middleware, without a framework. Errors that reach it are answered as `next: …`. */
export function withSessions(options: SessionsOptions, handler: Handler): RequestListener {
  const middleware = sessions(options)
  return (incoming, response) => {
    middleware(incoming, response, (error) => {
      if (error === undefined) handler(incoming as SessionRequest, response)
      else response.writeHead(500).end(`next: ${error instanceof Error ? error.name : String(error)}`)
    })
  }
}

/** A client with a cookie jar of one cookie. */
export class Visitor {
  readonly #url: string
  readonly #name: string
  /** The value of the session cookie, as it stands in the header. */
  cookie: string | undefined

  constructor(url: string, cookie?: string, name = 'sessionid') {
    this.#url = url
    this.#name = name
    this.cookie = cookie
  }

  async visit(
    path = '/',
    options: { method?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const { method = 'GET', headers = {} } = options
    const outgoing = request(this.#url + path, {
      method,
      agent: false,
      headers: {
        ...(this.cookie === undefined ? {} : { cookie: `${this.#name}=${this.cookie}` }),
        ...headers,
      },
    }).end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const answer = {
      status: response.statusCode ?? 0,
      headers: response.headers,
      cookies: (response.headers['set-cookie'] ?? []).map((line) => parseSetCookie(line)),
      text: await text(response),
    }
    for (const { name, value, maxAge } of answer.cookies) {
      if (name === this.#name) this.cookie = maxAge === 0 ? undefined : value
    }
    return answer
  }
}
