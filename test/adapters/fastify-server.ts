import fastifyCookie from '@fastify/cookie'
import fastifySession, { type FastifySessionOptions } from '@fastify/session'
import type { CoatcheckStore } from 'coatcheck/fastify'
import fastify, { type FastifyInstance } from 'fastify'
import { Visitor } from './visitor.js'

declare module 'fastify' {
  interface Session {
    visits?: number
    // Not optional, as applications like to declare it: the store's types have to put up with that.
    note: unknown
  }
}

export const SECRET = 'a secret of at least thirty-two characters'

/** A real Fastify app on a real port. */
export interface FastifyServer {
  readonly app: FastifyInstance
  readonly url: string
  /** What Fastify's error handler was given. */
  readonly errors: { readonly code?: string; readonly message: string }[]
  /** Somebody without cookies. */
  visitor(): Visitor
  close(): Promise<void>
}

/** Starts an app with @fastify/session, the store and the routes. */
export async function startFastify(
  store: CoatcheckStore,
  addRoutes: (app: FastifyInstance) => void,
  options: Partial<FastifySessionOptions> = {},
): Promise<FastifyServer> {
  const app = fastify({ forceCloseConnections: true })
  const errors: FastifyServer['errors'] = []
  app.setErrorHandler((error: Error & { code?: string }, _request, reply) => {
    errors.push(error)
    reply.code(500).send('failed')
  })
  await app.register(fastifyCookie)
  await app.register(fastifySession, { store, secret: SECRET, cookie: { secure: false }, ...options })
  addRoutes(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, url, errors, visitor: () => new Visitor(url), close: () => app.close() }
}

/** The key of the session that a visitor's cookie names. */
export function fastifyKey(visitor: Visitor): string {
  const value = decodeURIComponent(visitor.cookie('sessionId') ?? '')
  return value.slice(0, value.lastIndexOf('.'))
}
