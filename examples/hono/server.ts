import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { CoatcheckStore } from 'coatcheck/hono'
import { Hono } from 'hono'
import { type Session, sessionMiddleware } from 'hono-sessions'
import { exampleDirectory } from '../example-directory.js'
import { visitsPage } from '../visits-page.js'

/*
 * node build/examples/hono/server.js [DIRECTORY]: counts the visits of each visitor. PORT in the environment, or 3000.
 * Ctrl-C ends.
 */

const ONE_DAY = 86_400

const store = new CoatcheckStore({ directory: exampleDirectory(process.argv[2]) })
// What is wrong with the directory shows now, not with the first visitor.
await store.engine.ready()

const app = new Hono<{ Variables: { session: Session<{ visits: number }> } }>()

app.onError((error, context) => {
  // Errors of the store come here, too; a busy one may be asked again.
  const busy = 'code' in error && error.code === 'COATCHECK_OVERLOADED'
  return context.text('something went wrong', busy ? 503 : 500)
})

app.use(
  sessionMiddleware({
    store,
    // An example keeps no secret; a real application takes its own from its environment.
    encryptionKey: 'an example keeps no secret, you should',
    sessionCookieName: 'visits',
    expireAfterSeconds: ONE_DAY,
    cookieOptions: { httpOnly: true, sameSite: 'Lax', path: '/' },
  }),
)

app.get('/', (context) => {
  const session = context.get('session')
  const visits = (session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  return context.html(visitsPage(visits))
})

app.post('/forget', (context) => {
  context.get('session').deleteSession()
  return context.redirect('/', 303)
})

const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) },
  ({ port }: AddressInfo) => console.log(`http://127.0.0.1:${port}`),
)

// The server first: requests that are under way still have their sessions to save.
server.once('close', () => store.close())
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close()
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  })
}
