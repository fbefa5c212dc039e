import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import session, { type Store } from 'express-session'
import { type CartState, changed, EMPTY, PRODUCTS } from './cart.js'
import { page } from './page.js'

declare module 'express-session' {
  interface SessionData {
    changes: number
    cart: CartState['cart']
  }
}

const ONE_DAY = 86_400_000

/** A shop that remembers each visitor's cart, and saves the session with every single request. */
export function makeApp(store: Store, onError: (error: unknown) => void): Express {
  const app = express()
  app.use(
    session({
      store,
      name: 'cart',
      // An example keeps no secret; a real application takes its own from its environment.
      secret: 'an example keeps no secret',
      resave: true,
      saveUninitialized: true,
      cookie: { maxAge: ONE_DAY, sameSite: 'lax' },
    }),
  )
  app.get('/', (request, response) => {
    response.send(page(stateOf(request)))
  })
  app.get('/cart', (request, response) => {
    response.json(stateOf(request))
  })
  app.post('/cart/:product', change(1))
  app.delete('/cart/:product', change(-1))
  const reportError: ErrorRequestHandler = (error, _request, response, _next) => {
    onError(error)
    // A session is saved while its answer is on the way; then there is nobody to tell any more.
    if (!response.headersSent) response.status(500).json({ error: 'that went wrong' })
  }
  app.use(reportError)
  return app
}

function change(by: 1 | -1): RequestHandler<{ product: string }> {
  return (request, response) => {
    const { product } = request.params
    if (!PRODUCTS.some((known) => known === product)) {
      response.status(404).json({ error: 'there is no such product' })
      return
    }
    const state = changed(stateOf(request), product, by)
    Object.assign(request.session, state)
    response.json(state)
  }
}

function stateOf({ session }: Pick<Request, 'session'>): CartState {
  return { changes: session.changes ?? EMPTY.changes, cart: session.cart ?? EMPTY.cart }
}
