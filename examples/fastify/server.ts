import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { CoatcheckStore } from 'coatcheck/fastify'
import fastify from 'fastify'
import { exampleDirectory } from '../example-directory.js'
import { visitsPage } from '../visits-page.js'

/*
 * node build/examples/fastify/server.js [DIRECTORY]: counts the visits of each visitor. PORT in the environment, or
 * 3000. Ctrl-C ends.
 */

declare module 'fastify' {
  interface Session {
    visits?: number
  }
}

const ONE_DAY = 86_400_000

const store = new CoatcheckStore({ directory: exampleDirectory(process.argv[2]) })
// What is wrong with the directory shows now, not with the first visitor.
await store.engine.ready()

const app = fastify()
await app.register(fastifyCookie)
await app.register(fastifySession, {
  store,
  // An example keeps no secret; a real application takes its own from its environment.
  secret: 'an example keeps no secret, but a long one',
  cookie: { secure: 'auto', sameSite: 'lax', maxAge: ONE_DAY },
})

app.get('/', (request, reply) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  reply.type('text/html').send(visitsPage(request.session.visits))
})

app.post('/forget', async (request, reply) => {
  await request.session.destroy()
  return reply.redirect('/', 303)
})

// Fastify lets requests that are under way end before: they still have their sessions to save.
app.addHook('onClose', () => store.close())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }))
