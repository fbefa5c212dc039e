import type { SessionEngine } from '../engine/session-engine.js'
import { CreateError, EncodeError, InvalidSessionKeyError, UnsupportedError } from '../errors.js'
import { severalAtATime } from '../several-at-a-time.js'
import { Payload } from './payload.js'

const NOTHING_READ =
  'no session could be read at the source, and a mirror would delete everything at the target: is the prefix right, are keys and codec, are names hashed?'

/** Sessions in hand at a time: some batches' worth. */
export const AT_ONCE = 256

/** Options of {@link copySessions}. */
export interface CopyOptions {
  /** Where sessions come from; nothing there is changed. Both engines have a codec of `untouched`, of the same id. */
  readonly source: SessionEngine<object>
  readonly target: SessionEngine<object>
  /**
   * What becomes of the target's own: `keep` leaves a session that differs as it is, `mirror` writes over it, and deletes
   * what the source does not have.
   */
  readonly others: 'keep' | 'mirror'
  /** Called after each session, with what has been done so far; the object is always the same. */
  readonly onProgress?: (copied: CopiedSessions) => void
  /** Stops after what is under way; what has been copied stays. */
  readonly signal?: AbortSignal
}

/** What has become of the sessions of a source. */
export interface CopiedSessions {
  readonly copied: number
  /** The very same was there. */
  readonly existing: number
  /** Another session of its key was there, and was left. */
  readonly different: number
  /** Another one was there, and was written over. */
  readonly replaced: number
  /** Deleted from the target, for the source has none. */
  readonly removed: number
  /** Expired or deleted since it was listed, or damaged. */
  readonly gone: number
  /** Of another codec: its bytes would be taken for what they are not. */
  readonly foreign: number
  /** Its key is none for the target, or it is larger than `maxRecordBytes` there. */
  readonly refused: number
}

type Outcome = keyof CopiedSessions

/**
 * Copies sessions from one engine to another, byte by byte, each with its key and its expiry. A second run does what the first
 * has left.
 * @throws {StorageError} when one of them cannot be read or stored
 * @throws {UnsupportedError} when the source, or with `mirror` the target, hashes names; and when a mirror would delete everything,
 *   for there is nothing at the source that could be read
 */
export async function copySessions(options: CopyOptions): Promise<CopiedSessions> {
  const { source, target, others, onProgress, signal } = options
  const counts = {
    copied: 0,
    existing: 0,
    different: 0,
    replaced: 0,
    removed: 0,
    gone: 0,
    foreign: 0,
    refused: 0,
  } satisfies Record<Outcome, number>
  const count = (outcome: Outcome): void => {
    counts[outcome]++
    onProgress?.(counts)
  }
  const several = { atOnce: AT_ONCE, signal }
  await severalAtATime(source.keys(), async (key) => count(await copyOne(key, options)), several)
  if (others === 'mirror' && signal?.aborted !== true) {
    const hasRead = counts.copied + counts.existing + counts.replaced > 0
    const removeOther = async (key: string): Promise<void> => {
      if (await source.exists(key)) return
      if (!hasRead) throw new UnsupportedError(NOTHING_READ)
      await target.delete(key)
      count('removed')
    }
    await severalAtATime(target.keys(), removeOther, several)
  }
  return counts
}

async function copyOne(key: string, { source, target, others }: CopyOptions): Promise<Outcome> {
  const found = await source.loadWithExpiry(key)
  if (found === undefined) return 'gone'
  const { session, expires } = found
  if (!(session instanceof Payload)) return 'foreign'
  try {
    await target.create(key, session, { expires })
    return 'copied'
  } catch (error) {
    if (error instanceof EncodeError || error instanceof InvalidSessionKeyError) return 'refused'
    if (!(error instanceof CreateError)) throw error
  }
  const standing = await target.loadWithExpiry(key)
  if (standing !== undefined && isSame(found, standing)) return 'existing'
  if (others === 'keep') return 'different'
  await target.save(key, session, { expires })
  return 'replaced'
}

interface Found {
  readonly session: object
  readonly expires: Date
}

function isSame(one: Found, other: Found): boolean {
  if (!(one.session instanceof Payload) || !(other.session instanceof Payload)) return false
  if (one.expires.getTime() !== other.expires.getTime()) return false
  return Buffer.compare(one.session.bytes, other.session.bytes) === 0
}
