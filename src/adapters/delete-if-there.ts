import type { SessionEngine } from '../engine/session-engine.js'

/**
 * Deletes a session, and tells whether it was still there: of requests that overlap, one alone has deleted it.
 *
 * Both are issued in one turn, and an engine keeps operations of one key in their order: so this is exact for all that use
 * the engine. Another process that deletes the session between the two is not seen.
 */
export async function deleteIfThere(engine: SessionEngine<object>, key: string): Promise<boolean> {
  const [wasThere] = await Promise.all([engine.exists(key), engine.delete(key)])
  return wasThere
}
