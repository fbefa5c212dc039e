import type { SessionEngine } from '../engine/session-engine.js'
import { severalAtATime } from '../several-at-a-time.js'
import { Checksum } from './checksum.js'
import { AT_ONCE } from './copy-sessions.js'
import { Payload } from './payload.js'

/** Options of {@link compareSessions}. */
export interface CompareOptions {
  readonly source: SessionEngine<object>
  readonly target: SessionEngine<object>
  /** Called after each session, with how many there were. */
  readonly onProgress?: (done: number) => void
  /** Stops after what is under way. */
  readonly signal?: AbortSignal
}

/** What both have of the sessions of the source. */
export interface Comparison {
  readonly source: Checksum
  readonly target: Checksum
}

/** Reads every session of a source once more, and the target's of the same key; what only the target has does not count. */
export async function compareSessions(options: CompareOptions): Promise<Comparison> {
  const { source, target, onProgress, signal } = options
  const sums = { source: new Checksum(), target: new Checksum() }
  let done = 0
  const compareOne = async (key: string): Promise<void> => {
    const [original, copy] = await Promise.all([source.loadWithExpiry(key), target.loadWithExpiry(key)])
    onProgress?.(++done)
    // Expired while it was looked at, it may be there once and not twice.
    if (original === undefined || original.expires.getTime() <= Date.now()) return
    note(sums.source, key, original)
    if (copy !== undefined) note(sums.target, key, copy)
  }
  await severalAtATime(source.keys(), compareOne, { atOnce: AT_ONCE, signal })
  return sums
}

function note(sum: Checksum, key: string, { session, expires }: { session: object; expires: Date }): void {
  if (session instanceof Payload) sum.add(key, expires, session.bytes)
}
