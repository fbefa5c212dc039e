import type { CoatcheckPeerOptions } from './coatcheck.js'
import type { CoatcheckRedisExpressOptions } from './coatcheck-redis-express.js'
import type { ConnectRedisOptions } from './connect-redis.js'
import type { ExpressPeer } from './peer.js'

/** A store of express-session. */
export type ExpressPeerDescription =
  | ({ readonly kind: 'coatcheck-express' } & CoatcheckPeerOptions)
  | { readonly kind: 'session-file-store'; readonly directory: string }
  | ({ readonly kind: 'coatcheck-redis-express' } & CoatcheckRedisExpressOptions)
  | ({ readonly kind: 'connect-redis' } & ConnectRedisOptions)
  | { readonly kind: 'memory-store' }

/** Makes it, and loads no other one's code. */
export async function makeExpressPeer(description: ExpressPeerDescription): Promise<ExpressPeer> {
  switch (description.kind) {
    case 'coatcheck-express': {
      const { CoatcheckExpressPeer } = await import('./coatcheck-express.js')
      return new CoatcheckExpressPeer(description)
    }
    case 'coatcheck-redis-express': {
      const { CoatcheckRedisExpressPeer } = await import('./coatcheck-redis-express.js')
      return new CoatcheckRedisExpressPeer(description)
    }
    case 'session-file-store': {
      const { SessionFileStorePeer } = await import('./session-file-store.js')
      return new SessionFileStorePeer(description)
    }
    case 'connect-redis': {
      const { ConnectRedisPeer } = await import('./connect-redis.js')
      return new ConnectRedisPeer(description)
    }
    case 'memory-store': {
      const { MemoryStorePeer } = await import('./memory-store.js')
      return new MemoryStorePeer()
    }
  }
}
