import type { Server } from 'node:http'
import fastifyCookie from '@fastify/cookie'
import fastifySession, { type FastifySessionOptions } from '@fastify/session'
import { CoatcheckStore } from 'coatcheck/fastify'
import fastify from 'fastify'
import { type CartState, changed, EMPTY, PRODUCTS } from '../../examples/every-request/cart.js'
import type { CoatcheckPeerOptions } from '../peers/coatcheck.js'
import { coatcheckStorage } from '../peers/coatcheck-storage.js'
import type { ExpressPeer } from '../peers/peer.js'
import type { BenchShop } from './bench-shop.js'

declare module 'fastify' {
  interface Session {
    changes?: number
    cart?: CartState['cart']
  }
}

type FastifyStore = NonNullable<FastifySessionOptions['store']>

/** A store of @fastify/session, opened and closed. */
export interface FastifyStoreSource {
  open(): Promise<void>
  readonly store: FastifyStore
  close(): Promise<void>
}

/** In Fastify, with @fastify/session over a store; it saves with every request by default. */
export class FastifyShop implements BenchShop {
  readonly #source: FastifyStoreSource

  constructor(source: FastifyStoreSource) {
    this.#source = source
  }

  open(): Promise<void> {
    return this.#source.open()
  }

  async makeServer(onError: (error: unknown) => void): Promise<Server> {
    const app = fastify()
    await app.register(fastifyCookie)
    await app.register(fastifySession, {
      store: this.#source.store,
      cookieName: 'cart',
      secret: 'an example keeps no secret, but a long one',
      cookie: { secure: false, maxAge: 86_400_000, sameSite: 'lax' },
    })
    app.get('/cart', async ({ session }) => stateOf(session))
    for (const [method, by] of [
      ['POST', 1],
      ['DELETE', -1],
    ] as const) {
      app.route<{ Params: { product: string } }>({
        method,
        url: '/cart/:product',
        handler: async ({ session, params }, reply) => {
          if (!PRODUCTS.some((known) => known === params.product)) return reply.code(404).send()
          return Object.assign(session, changed(stateOf(session), params.product, by)) && stateOf(session)
        },
      })
    }
    app.setErrorHandler((error, _request, reply) => {
      onError(error)
      return reply.code(500).send()
    })
    await app.ready()
    return app.server
  }

  load(key: string): Promise<object | undefined> {
    return new Promise((resolve, reject) => {
      this.#source.store.get(key, (error: unknown, session: object | null | undefined) => {
        if (error) reject(error)
        else resolve(session ?? undefined)
      })
    })
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}

/** The store that @fastify/session has of its own: it keeps the very objects. */
export class FastifyMemory implements FastifyStoreSource {
  readonly store = new fastifySession.MemoryStore(new Map())

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}

/** A store made for express-session, which @fastify/session takes as well. */
export class FastifyExpressStore implements FastifyStoreSource {
  readonly #peer: ExpressPeer

  constructor(peer: ExpressPeer) {
    this.#peer = peer
  }

  open(): Promise<void> {
    return this.#peer.open()
  }

  /** Typed for sessions of express-session; the calls are the same. */
  get store(): FastifyStore {
    return this.#peer.store as unknown as FastifyStore
  }

  close(): Promise<void> {
    return this.#peer.close()
  }
}

/** Ours. */
export class FastifyCoatcheck implements FastifyStoreSource {
  readonly store: CoatcheckStore

  constructor({ threads, ...storage }: CoatcheckPeerOptions) {
    this.store = new CoatcheckStore({ storage: coatcheckStorage(storage), threads: threads ?? 'auto' })
  }

  open(): Promise<void> {
    return this.store.engine.ready()
  }

  close(): Promise<void> {
    return this.store.close()
  }
}

function stateOf({ changes, cart }: Partial<CartState>): CartState {
  return { changes: changes ?? EMPTY.changes, cart: cart ?? EMPTY.cart }
}
