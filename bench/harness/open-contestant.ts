import type { DjangoOptions } from '../django/django-contestant.js'
import type { ServerDescription } from '../http/make-shop.js'
import type { ExpressPeerDescription } from '../peers/make-express-peer.js'
import type { FilePeerDescription } from '../peers/make-peer.js'
import type { RawFloorOptions } from '../raw/raw-floor.js'
import type { SweepOptions } from '../sweep/sweep-contestant.js'
import type { WorkloadDescription } from '../workloads/workload.js'
import type { Contestant } from './contestant.js'

/** Any store. */
export type PeerDescription = ExpressPeerDescription | FilePeerDescription

/** What a child process is told to be: bare calls, Django, a sweep, a store under a workload, or a server with a store. */
export type ContestantDescription =
  | ({ readonly kind: 'raw' } & RawFloorOptions)
  | ({ readonly kind: 'django' } & DjangoOptions)
  | { readonly kind: 'raw-walk'; readonly directory: string }
  | ({ readonly kind: 'sweep' } & SweepOptions)
  | (PeerDescription & { readonly workload?: WorkloadDescription })
  | ({ readonly kind: 'http' } & ServerDescription)

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
    case 'django': {
      const { DjangoContestant } = await import('../django/django-contestant.js')
      return new DjangoContestant(description)
    }
    case 'raw-walk': {
      const { RawWalk } = await import('../sweep/raw-walk.js')
      return new RawWalk(description)
    }
    case 'sweep': {
      const { SweepContestant } = await import('../sweep/sweep-contestant.js')
      return new SweepContestant(description)
    }
    case 'http': {
      const { HttpServer } = await import('../http/http-server.js')
      const { makeShop } = await import('../http/make-shop.js')
      return new HttpServer(await makeShop(description))
    }
    default: {
      const { StoreContestant } = await import('./store-contestant.js')
      const { makePeer } = await import('../peers/make-peer.js')
      const { workload, ...peer } = description
      return new StoreContestant(await makePeer(peer), workload)
    }
  }
}
