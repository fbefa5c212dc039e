import type { CoatcheckPeerOptions } from '../peers/coatcheck.js'
import { type ExpressPeerDescription, makeExpressPeer } from '../peers/make-express-peer.js'
import type { BenchShop } from './bench-shop.js'

/**
 * A server: its framework, with its own session plugin or middleware over a store; or Express with our middleware.
 */
export type ServerDescription =
  | { readonly framework: 'express'; readonly store: ExpressPeerDescription }
  | { readonly framework: 'fastify'; readonly store: FastifyStoreDescription }
  | { readonly framework: 'middleware'; readonly store: CoatcheckPeerOptions }

/** What @fastify/session takes. */
export type FastifyStoreDescription =
  | { readonly kind: 'memory-store' }
  | ({ readonly kind: 'coatcheck' } & CoatcheckPeerOptions)
  | Extract<ExpressPeerDescription, { kind: 'connect-redis' }>

/** Makes what it serves, and loads no other one's code. */
export async function makeShop(description: ServerDescription): Promise<BenchShop> {
  switch (description.framework) {
    case 'express': {
      const { StoreShop } = await import('./store-shop.js')
      return new StoreShop(await makeExpressPeer(description.store))
    }
    case 'middleware': {
      const { MiddlewareShop } = await import('./middleware-shop.js')
      return new MiddlewareShop(description.store)
    }
    case 'fastify':
      return makeFastifyShop(description.store)
  }
}

async function makeFastifyShop(description: FastifyStoreDescription): Promise<BenchShop> {
  const { FastifyCoatcheck, FastifyExpressStore, FastifyMemory, FastifyShop } = await import(
    './fastify-shop.js'
  )
  switch (description.kind) {
    case 'memory-store':
      return new FastifyShop(new FastifyMemory())
    case 'coatcheck':
      return new FastifyShop(new FastifyCoatcheck(description))
    case 'connect-redis':
      return new FastifyShop(new FastifyExpressStore(await makeExpressPeer(description)))
  }
}
