import type { CoatcheckEngineOptions } from './coatcheck.js'
import type { CoatcheckRedisOptions } from './coatcheck-redis.js'
import type { LmdbPeerOptions } from './lmdb.js'
import { type ExpressPeerDescription, makeExpressPeer } from './make-express-peer.js'
import type { Peer } from './peer.js'
import type { SqlitePeerOptions } from './sqlite.js'

/** One that is called by itself, and not as express-session calls it. */
export type FilePeerDescription =
  | ({ readonly kind: 'coatcheck' } & CoatcheckEngineOptions)
  | ({ readonly kind: 'coatcheck-redis' } & CoatcheckRedisOptions)
  | ({ readonly kind: 'lmdb' } & LmdbPeerOptions)
  | ({ readonly kind: 'sqlite' } & SqlitePeerOptions)
  | { readonly kind: 'write-file-atomic'; readonly directory: string; readonly sync: boolean }
  | { readonly kind: 'fs-promises' | 'keyv-file'; readonly directory: string }

/** Makes it, and loads no other one's code. */
export async function makePeer(description: ExpressPeerDescription | FilePeerDescription): Promise<Peer> {
  switch (description.kind) {
    case 'coatcheck': {
      const { CoatcheckPeer } = await import('./coatcheck.js')
      return CoatcheckPeer.with(description)
    }
    case 'coatcheck-redis': {
      const { CoatcheckRedisPeer } = await import('./coatcheck-redis.js')
      return new CoatcheckRedisPeer(description)
    }
    case 'lmdb': {
      const { LmdbPeer } = await import('./lmdb.js')
      return new LmdbPeer(description)
    }
    case 'sqlite': {
      const { SqlitePeer } = await import('./sqlite.js')
      return new SqlitePeer(description)
    }
    case 'keyv-file': {
      const { KeyvFilePeer } = await import('./keyv-file.js')
      return new KeyvFilePeer(description)
    }
    case 'write-file-atomic': {
      const { JsonFilesPeer } = await import('./json-files.js')
      const { writeFileAtomic } = await import('./write-file.js')
      return new JsonFilesPeer(description.directory, writeFileAtomic(description.sync))
    }
    case 'fs-promises': {
      const { JsonFilesPeer } = await import('./json-files.js')
      const { byHand } = await import('./write-file.js')
      return new JsonFilesPeer(description.directory, byHand)
    }
    default:
      return makeExpressPeer(description)
  }
}
