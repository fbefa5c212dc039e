import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CoatcheckStore } from 'coatcheck/koa'
import Koa from 'koa'
import session from 'koa-session'
import { exampleDirectory } from '../example-directory.js'
import { visitsPage } from '../visits-page.js'

/*
 * node build/examples/koa/server.js [DIRECTORY]: counts the visits of each visitor. PORT in the environment, or 3000.
 * Ctrl-C ends.
 */

/** koa-session leaves the context's types to the application. */
interface WithSession {
  session: { visits?: number } | null
}

const ONE_DAY = 86_400_000

const store = new CoatcheckStore({ directory: exampleDirectory(process.argv[2]) })
// What is wrong with the directory shows now, not with the first visitor.
await store.engine.ready()

const app = new Koa<Koa.DefaultState, WithSession>()
// An example keeps no secret; a real application takes its own from its environment.
app.keys = ['an example keeps no secret']
app.use(session({ store, key: 'visits', maxAge: ONE_DAY, sameSite: 'lax' }, app))

app.use((context) => {
  if (context.method === 'POST' && context.path === '/forget') {
    context.session = null
    context.status = 303
    context.redirect('/')
  } else if (context.path === '/' && context.session !== null) {
    context.session.visits = (context.session.visits ?? 0) + 1
    context.body = visitsPage(context.session.visits)
  }
})

const server = createServer(app.callback()).listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

// The server first: requests that are under way still have their sessions to save.
server.once('close', () => store.close())
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close()
    server.closeIdleConnections()
  })
}
