import type { RedisKey } from '../key-names.js'
import type { Reply, Words } from '../replies.js'

/**
 * What is said with a server about one slot of a batch: commands, their answers, and more commands if these call for it, until
 * the slot has its outcome.
 */
export interface Exchange {
  /** Whose server it is said with. */
  readonly key: RedisKey
  /** The ordinal of its slot. */
  readonly slot: number
  /** Whether it changes what is stored, so that replicas have to have it. */
  readonly writes: boolean
  /**
   * Whether it was done, if it was, by what a connection that is lost has sent, and nothing was written on this one: replicas are asked
   * about the writes of a connection.
   */
  readonly isHearsay: boolean
  /** What is to be sent; where it is sent once more, the server may have done it before. */
  begin(isRetry: boolean): readonly Words[]
  /** Takes the answers, none of which is a refusal; what is to be sent next, or `undefined` when the slot has its outcome. */
  take(replies: readonly Reply[]): readonly Words[] | undefined
}
