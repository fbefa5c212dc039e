import { createServer, type Server } from 'node:http'
import { SessionEngine } from 'coatcheck'
import { sessionOf, sessions } from 'coatcheck/session'
import { type Carts, makeShop } from '../../examples/every-request/app.js'
import { type CartState, EMPTY } from '../../examples/every-request/cart.js'
import type { CoatcheckPeerOptions } from '../peers/coatcheck.js'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import type { BenchShop } from './bench-shop.js'

/** In Express, with our own middleware: no express-session, no store. */
export class MiddlewareShop implements BenchShop {
  readonly #engine: SessionEngine<object>

  constructor({ threads, ...storage }: CoatcheckPeerOptions) {
    this.#engine = new SessionEngine<object>({
      storage: coatcheckStorage(storage),
      threads: threads ?? 'auto',
    })
  }

  open(): Promise<void> {
    return this.#engine.ready()
  }

  /** Signed, and with every request, as the example has it with express-session. */
  async makeServer(onError: (error: unknown) => void): Promise<Server> {
    const middleware = sessions({
      engine: this.#engine,
      cookie: { name: 'cart' },
      secret: 'an example keeps no secret',
      saveEveryRequest: true,
      maxAge: 86_400,
      onError: (error, _request, _response, next) => next(error),
    })
    return createServer(makeShop(middleware, CARTS, onError))
  }

  load(key: string): Promise<object | undefined> {
    return this.#engine.load(key)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}

const CARTS: Carts = {
  read(request) {
    const session = sessionOf<CartState>(request)
    return { changes: session.get('changes', EMPTY.changes), cart: session.get('cart', EMPTY.cart) }
  },
  write: (request, state) => sessionOf<CartState>(request).update(state),
}
