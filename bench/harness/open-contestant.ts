import type { Peer } from '../peers/peer.js'
import type { RawProtocol } from '../raw/protocols.js'
import { ClosedLoop } from './closed-loop.js'
import type { Contestant } from './contestant.js'

/** What a child process is told to be. */
export type ContestantDescription =
  | {
      readonly kind: 'raw'
      readonly directory: string
      readonly threads: number
      readonly protocol: RawProtocol
    }
  | {
      readonly kind: 'coatcheck'
      readonly directory: string
      readonly threads: number
      readonly fsync: boolean
    }
  | { readonly kind: 'coatcheck-express'; readonly directory: string; readonly threads: number }
  | { readonly kind: 'session-file-store' | 'connect-redis'; readonly directory: string }
  | { readonly kind: 'memory-store' }

/** Makes it. Each module is loaded only where it is needed, so that no process carries another one's code. */
export async function makeContestant(description: ContestantDescription): Promise<Contestant> {
  if (description.kind === 'raw') {
    const { RawFloor } = await import('../raw/raw-floor.js')
    return new RawFloor(description)
  }
  return new ClosedLoop(await makePeer(description))
}

async function makePeer(description: Exclude<ContestantDescription, { kind: 'raw' }>): Promise<Peer> {
  switch (description.kind) {
    case 'coatcheck': {
      const { CoatcheckPeer } = await import('../peers/coatcheck.js')
      return new CoatcheckPeer(description)
    }
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
