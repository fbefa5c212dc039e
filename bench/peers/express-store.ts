import type { SessionData, Store } from 'express-session'
import type { BenchSession } from '../workloads/session.js'

/** `set` of an Express session store as a promise: the call that all of them have in common. */
export function saveInStore(store: Store, key: string, session: BenchSession): Promise<void> {
  return settled((done) => store.set(key, dataOf(session), done))
}

/** `touch`, which any store may have. */
export function touchInStore(store: Store, key: string, session: BenchSession): Promise<void> {
  return settled((done) => store.touch?.(key, dataOf(session), done))
}

/** `get`. */
export function loadFromStore(store: Store, key: string): Promise<BenchSession | undefined> {
  return new Promise((resolve, reject) => {
    store.get(key, (error: unknown, session) => {
      if (error) reject(errorOf(error))
      else resolve((session ?? undefined) as BenchSession | undefined)
    })
  })
}

/** Stores are typed for live sessions, whose cookie is an object of express-session's own. */
function dataOf(session: BenchSession): SessionData {
  return session as unknown as SessionData
}

function settled(call: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error) reject(errorOf(error))
      else resolve()
    })
  })
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
