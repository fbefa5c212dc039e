import type { BenchShop } from '../http/bench-shop.js'
import type { CoatcheckPeerOptions, SealedPeerOptions } from '../peers/coatcheck.js'
import type { LmdbPeerOptions } from '../peers/lmdb.js'
import type { ExpressPeer, Peer } from '../peers/peer.js'
import type { RawFloorOptions } from '../raw/raw-floor.js'
import type { LoopOptions } from '../workload.js'
import { ClosedLoop } from './closed-loop.js'
import type { Contestant } from './contestant.js'

/** A store of express-session. */
export type ExpressPeerDescription =
  | ({ readonly kind: 'coatcheck-express' } & CoatcheckPeerOptions)
  | { readonly kind: 'session-file-store' | 'connect-redis'; readonly directory: string }
  | { readonly kind: 'memory-store' }

/** What sessions of a server are made of: express-session over a store, or our own middleware. */
export type ShopDescription =
  | ExpressPeerDescription
  | ({ readonly kind: 'coatcheck-middleware' } & CoatcheckPeerOptions)

/** Any store. */
export type PeerDescription =
  | ExpressPeerDescription
  | ({ readonly kind: 'coatcheck' } & SealedPeerOptions)
  | ({ readonly kind: 'lmdb' } & LmdbPeerOptions)

/** What a child process is told to be: bare calls, a store in a closed loop, or a server with a store. */
export type ContestantDescription =
  | ({ readonly kind: 'raw' } & RawFloorOptions)
  | (PeerDescription & { readonly loop?: LoopOptions })
  | { readonly kind: 'http'; readonly store: ShopDescription }

/** Where it keeps its files, if it does. */
export function directoryOf(description: ContestantDescription): string | undefined {
  const keeper = description.kind === 'http' ? description.store : description
  return 'directory' in keeper ? keeper.directory : undefined
}

/** Makes it. Each module is loaded only where it is needed, so that no process carries another one's code. */
export async function makeContestant(description: ContestantDescription): Promise<Contestant> {
  switch (description.kind) {
    case 'raw': {
      const { RawFloor } = await import('../raw/raw-floor.js')
      return new RawFloor(description)
    }
    case 'http': {
      const { HttpServer } = await import('../http/http-server.js')
      return new HttpServer(await makeShop(description.store))
    }
    default: {
      const { loop, ...peer } = description
      return new ClosedLoop(await makePeer(peer), loop)
    }
  }
}

async function makeShop(description: ShopDescription): Promise<BenchShop> {
  if (description.kind === 'coatcheck-middleware') {
    const { MiddlewareShop } = await import('../http/middleware-shop.js')
    return new MiddlewareShop(description)
  }
  const { StoreShop } = await import('../http/store-shop.js')
  return new StoreShop(await makeExpressPeer(description))
}

async function makePeer(description: PeerDescription): Promise<Peer> {
  switch (description.kind) {
    case 'coatcheck': {
      const { CoatcheckPeer } = await import('../peers/coatcheck.js')
      return new CoatcheckPeer(description)
    }
    case 'lmdb': {
      const { LmdbPeer } = await import('../peers/lmdb.js')
      return new LmdbPeer(description)
    }
    default:
      return makeExpressPeer(description)
  }
}

async function makeExpressPeer(description: ExpressPeerDescription): Promise<ExpressPeer> {
  switch (description.kind) {
    case 'coatcheck-express': {
      const { CoatcheckExpressPeer } = await import('../peers/coatcheck-express.js')
      return new CoatcheckExpressPeer(description)
    }
    case 'session-file-store': {
      const { SessionFileStorePeer } = await import('../peers/session-file-store.js')
      return new SessionFileStorePeer(description)
    }
    case 'connect-redis': {
      const { ConnectRedisPeer } = await import('../peers/connect-redis.js')
      return new ConnectRedisPeer(description)
    }
    case 'memory-store': {
      const { MemoryStorePeer } = await import('../peers/memory-store.js')
      return new MemoryStorePeer()
    }
  }
}
