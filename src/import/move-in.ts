import type { SessionEngine } from '../engine/session-engine.js'
import { CreateError, EncodeError, InvalidSessionKeyError } from '../errors.js'
import { severalAtATime } from '../several-at-a-time.js'
import { SecretDoubt } from './secret-doubt.js'
import type { SessionSource, SourceEntry } from './source.js'
import { type MovedSessions, type Outcome, Tally } from './tally.js'

/** Options of {@link moveIn}. */
export interface MoveInOptions {
  /** Where sessions come from; nothing there is changed. */
  readonly source: SessionSource
  /** Where they go. Its owner closes it. */
  readonly engine: SessionEngine
  /** Called after each entry of the source, with what has been done so far; the object is always the same. */
  readonly onProgress?: (moved: MovedSessions) => void
  /** Stops after what is under way; what has been moved stays. */
  readonly signal?: AbortSignal
}

/** Sessions that are read and stored at a time: more would not be faster, and each is in memory. */
export const AT_ONCE = 32

/**
 * Copies sessions from another store into an engine, each with its key and its expiry.
 *
 * A session that the engine has already stays as it is there: it is the same one, from an earlier run that was broken
 * off, or a newer one. So a second run does what the first has left. Files are read one by one, {@link AT_ONCE} at a
 * time, however many there are.
 *
 * @throws {SecretError} when the secret is to blame that nothing can be read; nothing has been moved then
 * @throws {StorageError} and the system's errors, when sessions cannot be stored or the source cannot be listed
 */
export async function moveIn(options: MoveInOptions): Promise<MovedSessions> {
  const { source, engine, onProgress, signal } = options
  await engine.ready()
  const tally = new Tally()
  const doubt = new SecretDoubt()
  const moveOne = async (entry: SourceEntry): Promise<void> => {
    const outcome = await moveEntry(entry, engine)
    doubt.note(outcome)
    tally.add(outcome)
    onProgress?.(tally)
  }
  await severalAtATime(source.entries(), moveOne, { atOnce: AT_ONCE, signal })
  if (signal?.aborted !== true) doubt.settle()
  return tally
}

async function moveEntry(entry: SourceEntry, engine: SessionEngine): Promise<Outcome> {
  if (entry.key === undefined) return { state: 'foreign' }
  let inode = 0
  try {
    // Looked at first: to read a session may cost a decryption, and a second run finds most of them there.
    if (await engine.exists(entry.key)) return { state: 'existing' }
    const reading = await entry.read()
    if (reading.state !== 'session') return reading
    inode = reading.inode
    await engine.create(entry.key, reading.session, { expires: new Date(reading.expiresAt) })
    return { state: 'imported' }
  } catch (error) {
    if (error instanceof CreateError) return { state: 'existing' }
    const reason = blame(error)
    if (reason === undefined) throw error
    return { state: 'unreadable', reason, inode }
  }
}

/** What is wrong with a session that cannot be stored; `undefined` where the storage is to blame. */
function blame(error: unknown): string | undefined {
  if (error instanceof EncodeError) return 'cannot be encoded, or is larger than maxRecordBytes'
  return error instanceof InvalidSessionKeyError ? 'has a name that is no session key' : undefined
}
