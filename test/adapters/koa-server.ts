import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import session, { type CreateSessionOptions } from 'koa-session'
import { Visitor } from './visitor.js'

/** What koa-session makes of a session; its own types leave the context's `session` out. */
export interface KoaSession {
  [name: string]: unknown
  visits?: number
  note?: unknown
  readonly isNew: boolean
  maxAge: number | 'session'
  save(): Promise<void>
  regenerate(): Promise<void>
  manuallyCommit(): Promise<void>
}

export type KoaContext = Koa.Context & { session: KoaSession | null }
export type Routes = Readonly<Record<string, (context: KoaContext, session: KoaSession) => unknown>>

/** A real Koa app on a real port. */
export interface KoaServer {
  readonly app: Koa
  readonly url: string
  /** What Koa emitted as errors. */
  readonly errors: { readonly code?: string; readonly message: string }[]
  /** Somebody without cookies. */
  visitor(): Visitor
  close(): Promise<void>
}

/** Starts an app with koa-session and a handler for each path; what a handler gives back is the body. */
export async function startKoa(options: CreateSessionOptions, routes: Routes): Promise<KoaServer> {
  const app = new Koa()
  app.keys = ['one', 'two']
  const errors: KoaServer['errors'] = []
  app.on('error', (error) => errors.push(error))
  app.use(session(options, app))
  app.use(async (context) => {
    const { session } = context as unknown as KoaContext
    if (session === null) throw new Error('there is always a session at first')
    context.body = String(await routes[context.path]?.(context as unknown as KoaContext, session))
  })
  const server = createServer(app.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    app,
    url,
    errors,
    visitor: () => new Visitor(url),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** The key of the session that a visitor's cookie names. */
export function koaKey(visitor: Visitor): string {
  return visitor.cookie('koa.sess') ?? ''
}
