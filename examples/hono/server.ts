import { mkdtempSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { CoatcheckStore } from 'coatcheck/hono'
import { Hono } from 'hono'
import { type Session, sessionMiddleware } from 'hono-sessions'

/*
 * A counter for each visitor. `node build/examples/hono/server.js [DIRECTORY]` prints its URL; PORT chooses the port.
 */

const directory = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'coatcheck-hono-'))
const store = new CoatcheckStore({ directory })
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
    expireAfterSeconds: 86_400,
    cookieOptions: { httpOnly: true, sameSite: 'Lax', path: '/' },
  }),
)

app.get('/', (context) => {
  const session = context.get('session')
  const visits = (session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  return context.text(`You have been here ${visits === 1 ? 'once' : `${visits} times`}.\n`)
})

app.get('/logout', (context) => {
  context.get('session').deleteSession()
  return context.text('Goodbye.\n')
})

const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 0) },
  ({ port }: AddressInfo) => console.log(`http://127.0.0.1:${port}/  sessions in ${directory}`),
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => server.close(() => void store.close()))
}
