import type { SessionEngine } from '../engine/session-engine.js'
import { InvalidSessionKeyError } from '../errors.js'

/** Loads a session. A key that cannot be one names none: it comes from a client, who is not to make errors of ours. */
export async function loadIfValid(engine: SessionEngine<object>, key: string): Promise<object | undefined> {
  try {
    return await engine.load(key)
  } catch (error) {
    if (error instanceof InvalidSessionKeyError) return undefined
    throw error
  }
}
