import session from 'express-session'
import { StorePeer } from './store-peer.js'

/** express-session's MemoryStore: no storage at all, so the least that any store can cost. */
export class MemoryStorePeer extends StorePeer {
  readonly store = new session.MemoryStore()

  async open(): Promise<void> {}

  async close(): Promise<void> {}
}
