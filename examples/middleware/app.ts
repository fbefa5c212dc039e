import { setTimeout as delay } from 'node:timers/promises'
import type { SessionEngine } from 'coatcheck'
import { sessionOf, sessions } from 'coatcheck/session'
import express, { type Express } from 'express'
import { page } from './page.js'

/** What a session of this app holds. */
export interface Visit {
  readonly visits: number
  readonly slowVisits: number
  readonly user: string
}

/**
 * An app that counts visits, and logs its visitor in and out.
 * @param slow How long the slow button takes, in seconds: long enough to click on another one meanwhile
 */
export function makeApp(engine: SessionEngine<object>, slow: number): Express {
  const app = express()
  app.use(
    sessions({
      engine,
      // An example keeps no secret; a real application takes its own from its environment.
      secret: 'an example keeps no secret',
      conflict: 'merge',
    }),
  )
  app.get('/', (request, response) => {
    const session = sessionOf<Visit>(request)
    response.send(
      page({
        visits: session.get('visits', 0),
        slowVisits: session.get('slowVisits', 0),
        user: session.get('user'),
      }),
    )
  })
  app.post('/count', (request, response) => {
    count(request, 'visits')
    response.redirect(303, '/')
  })
  app.post('/slow', async (request, response) => {
    await delay(slow * 1000)
    count(request, 'slowVisits')
    response.redirect(303, '/')
  })
  app.post('/login', async (request, response) => {
    const session = sessionOf<Visit>(request)
    // A key that was known before the login is worth nothing after it.
    await session.cycleKey()
    session.set('user', 'Ada')
    response.redirect(303, '/')
  })
  app.post('/logout', async (request, response) => {
    await sessionOf(request).flush()
    response.redirect(303, '/')
  })
  return app
}

function count(request: express.Request, name: 'visits' | 'slowVisits'): void {
  const session = sessionOf<Visit>(request)
  session.set(name, session.get(name, 0) + 1)
}
