import type { Expiry } from '../../engine/options.js'
import type { SessionEngine } from '../../engine/session-engine.js'
import type { SessionVersion } from '../../engine/session-versions.js'
import type { Contents, Values } from '../contents.js'

/** What happens when two requests save one session; see docs/session.md. */
export type ConflictPolicy = 'last-wins' | 'merge' | 'reject'

/** What a policy works with. */
export interface PolicyContext {
  readonly engine: SessionEngine<object>
  /** What is in hand: where a merge brings in what others have stored. */
  readonly contents: Contents
  /** The expiry to be stored along with these values. */
  readonly expiryOf: (values: Values) => Expiry
}

/**
 * How one Session reads and writes what is stored, and what it has to know for that of what it read. Values are taken
 * as they are when a method is called. Unless `overlaps`, one call waits for the other.
 */
export interface Policy {
  /** Whether an update may be issued while another is under way: their order is the engine's business then. */
  readonly overlaps: boolean
  load(key: string): Promise<Values | undefined>
  /** @throws {CreateError} */
  create(key: string, values: Values): Promise<void>
  /** @throws {UpdateError} */
  update(key: string, values: Values): Promise<void>
  /**
   * What to go on with under another key. Asked again, with the values of the first time, when somebody has stored
   * something else meanwhile.
   * @throws {UpdateError} when nothing is stored any more
   * @throws {ConflictError} when it is another version than policy has it
   */
  carryOver(key: string, values: Values): Promise<CarriedOver>
}

/** What goes on under another key. */
export interface CarriedOver {
  /** The very values that were given, or with what others have stored as far as policy has it. */
  readonly values: Values
  /** What is stored under the old key by now. */
  readonly version: SessionVersion
}
