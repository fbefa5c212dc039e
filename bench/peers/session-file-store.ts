import session from 'express-session'
import sessionFileStore from 'session-file-store'
import type { BenchSession } from '../workload.js'
import { saveInStore } from './express-store.js'
import type { ExpressPeer } from './peer.js'

/** The `session-file-store` package, which writes through `write-file-atomic`. */
export class SessionFileStorePeer implements ExpressPeer {
  readonly store: session.Store

  constructor({ directory }: { readonly directory: string }) {
    const FileStore = sessionFileStore(session)
    this.store = new FileStore({ path: directory, retries: 0, reapInterval: -1, logFn: () => undefined })
  }

  async open(): Promise<void> {}

  save(key: string, value: BenchSession): Promise<void> {
    return saveInStore(this.store, key, value)
  }

  async close(): Promise<void> {}
}
