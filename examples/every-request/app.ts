import type { IncomingMessage } from 'node:http'
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import session, { type SessionData, type Store } from 'express-session'
import { type CartState, changed, EMPTY, PRODUCTS } from './cart.js'
import { page } from './page.js'

declare module 'express-session' {
  interface SessionData {
    changes: number
    cart: CartState['cart']
  }
}

const ONE_DAY = 86_400_000

/** Where a shop keeps the cart of the visitor who has sent a request. */
export interface Carts {
  read(request: IncomingMessage): CartState
  write(request: IncomingMessage, state: CartState): void
}

/** A shop that remembers each visitor's cart, and saves the session with every single request. */
export function makeApp(store: Store, onError: (error: unknown) => void): Express {
  const sessions = session({
    store,
    name: 'cart',
    // An example keeps no secret; a real application takes its own from its environment.
    secret: 'an example keeps no secret',
    resave: true,
    saveUninitialized: true,
    cookie: { maxAge: ONE_DAY, sameSite: 'lax' },
  })
  return makeShop(sessions, IN_SESSION, onError)
}

/** The shop, whatever its sessions are made of. */
export function makeShop(sessions: RequestHandler, carts: Carts, onError: (error: unknown) => void): Express {
  const app = express()
  app.use(sessions)
  app.get('/', (request, response) => {
    response.send(page(carts.read(request)))
  })
  app.get('/cart', (request, response) => {
    response.json(carts.read(request))
  })
  app.post('/cart/:product', change(carts, 1))
  app.delete('/cart/:product', change(carts, -1))
  const reportError: ErrorRequestHandler = (error, _request, response, _next) => {
    onError(error)
    // A session is saved while its answer is on the way; then there is nobody to tell any more.
    if (!response.headersSent) response.status(500).json({ error: 'that went wrong' })
  }
  app.use(reportError)
  return app
}

function change(carts: Carts, by: 1 | -1): RequestHandler<{ product: string }> {
  return (request, response) => {
    const { product } = request.params
    if (!PRODUCTS.some((known) => known === product)) {
      response.status(404).json({ error: 'there is no such product' })
      return
    }
    const state = changed(carts.read(request), product, by)
    carts.write(request, state)
    response.json(state)
  }
}

const IN_SESSION: Carts = {
  read(request) {
    const { changes, cart } = sessionIn(request)
    return { changes: changes ?? EMPTY.changes, cart: cart ?? EMPTY.cart }
  },
  write(request, state) {
    Object.assign(sessionIn(request), state)
  },
}

function sessionIn(request: IncomingMessage): Partial<SessionData> {
  return (request as Request).session
}
