import type { Peer } from '../peers/peer.js'
import { KeyMaker } from './keys.js'
import type { BenchSession } from './session.js'
import type { OperationName, Workload } from './workload.js'

/** Does what a caller does with the session of this number; rejects when it is not what was saved. */
export type Operation = (index: number) => Promise<void>

/** One in so many requests changes the session, where most do not. */
const CHANGES_ONE_IN = 20

/**
 * An operation on the sessions of a workload in a peer.
 * @throws {Error} when the peer cannot do what the operation needs
 */
export function makeOperation(name: OperationName, peer: Peer, { keys, sessions }: Workload): Operation {
  const key = (index: number): string => keys[index] ?? ''
  const saveNext = (index: number): Promise<void> => {
    const session = sessionOf(sessions, index)
    session.visits++
    return peer.save(key(index), session)
  }
  const look = loadOf(peer, name)
  const load = async (key: string): Promise<BenchSession> => present(await look(key))
  const change = async (index: number, session: BenchSession): Promise<void> => {
    session.visits++
    await peer.save(key(index), session)
  }
  let turn = 0
  const isTurnOfChange = (): boolean => turn++ % CHANGES_ONE_IN === 0
  switch (name) {
    case 'save':
      return saveNext
    case 'load':
      // One promise beside the store's own: each more would weigh as much as a tenth of what a fast store does.
      return (index) =>
        look(key(index)).then((loaded) => {
          // A store that loses sessions would be fast.
          if (present(loaded).visits !== sessionOf(sessions, index).visits)
            throw new Error('a session was not what was saved')
        })
    case 'request':
      return async (index) => change(index, await load(key(index)))
    case 'read':
      return async (index) => {
        const session = await load(key(index))
        if (isTurnOfChange()) await change(index, session)
      }
    case 'touch': {
      const touch = peer.touch?.bind(peer)
      if (touch === undefined) throw new Error('this store has no touch')
      return async (index) => {
        const session = await load(key(index))
        if (isTurnOfChange()) await change(index, session)
        else await touch(key(index), session)
      }
    }
    case 'create': {
      const fresh = newKeys(keys.length)
      const create = (peer.create ?? peer.save).bind(peer)
      return (index) => create(fresh(), sessionOf(sessions, index))
    }
  }
}

/** Whether sessions have to be there before the first operation. */
export function needsSessions(name: OperationName): boolean {
  return name !== 'save' && name !== 'create'
}

function loadOf(peer: Peer, name: OperationName): (key: string) => Promise<BenchSession | undefined> {
  if (peer.load !== undefined) return peer.load.bind(peer)
  return async () => {
    throw new Error(`${name} needs loads, and those of this store are not measured`)
  }
}

function present(session: BenchSession | undefined): BenchSession {
  if (session === undefined) throw new Error('a session that had been saved was not there')
  return session
}

/** Keys past those of the workload. */
function newKeys(from: number): () => string {
  const maker = new KeyMaker()
  for (let skipped = 0; skipped < from; skipped++) maker.next()
  return () => maker.next()
}

function sessionOf(sessions: readonly BenchSession[], index: number): BenchSession {
  const session = sessions[index % sessions.length]
  if (session === undefined) throw new Error('more callers than keys')
  return session
}
