import type { SessionData, Store } from 'express-session'
import type { BenchSession } from '../workload.js'

/** `set` of an Express session store as a promise: the call that all of them have in common. */
export function saveInStore(store: Store, key: string, session: BenchSession): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stores are typed for live sessions, whose cookie is an object of express-session's own.
    store.set(key, session as unknown as SessionData, (error?: unknown) => {
      if (error) reject(error instanceof Error ? error : new Error(String(error)))
      else resolve()
    })
  })
}
