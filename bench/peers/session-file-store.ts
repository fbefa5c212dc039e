import session from 'express-session'
import sessionFileStore from 'session-file-store'
import { StorePeer } from './store-peer.js'

/** The `session-file-store` package, which writes through `write-file-atomic`. */
export class SessionFileStorePeer extends StorePeer {
  readonly store: session.Store

  constructor({ directory }: { readonly directory: string }) {
    super()
    const FileStore = sessionFileStore(session)
    this.store = new FileStore({ path: directory, retries: 0, reapInterval: -1, logFn: () => undefined })
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}
