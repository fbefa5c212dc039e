import type { RedisKey } from './key-names.js'
import type { Refusal } from './replies.js'
import type { ServerLinks } from './server-links.js'

/** The servers that hold the sessions, and which of them holds which. */
export interface Servers {
  /** Milliseconds after which somebody else may have taken over from whoever does not answer; `undefined` where nobody can. */
  readonly patience: number | undefined
  /**
   * Connects, so that what is wrong shows at the start.
   * @throws {Error}
   */
  open(deadline: number): Promise<void>
  /** Whoever has this key now; `undefined` where nobody is known to. */
  linksFor(key: RedisKey): ServerLinks | undefined
  /** Whoever a `MOVED` or `ASK` of this one names; `undefined` where it names nobody. */
  linksNamed(redirection: Refusal, by: ServerLinks | undefined): ServerLinks | undefined
  /** Something has changed, so it seems: finds out who has what. Never rejects; what it could not find out stays as it was. */
  refresh(deadline: number): Promise<void>
  /** Counts what has changed in who has what, as far as is known here. */
  readonly changes: number
  /** One of each that holds sessions of its own. */
  masters(): readonly ServerLinks[]
  /** Ends all connections. */
  close(): void
}
