import type { SessionEngine } from '../../engine/session-engine.js'
import type { SessionVersion } from '../../engine/session-versions.js'
import { hasCode } from '../errors.js'

/** Long over, and written without a sign before it. */
const OVER = { expires: new Date(1000) }

/**
 * Ends the very version of a session that is known; false when another one is stored by now. A deletion asks for no
 * version: what is replaced by nothing, expired at once, is over just the same, and for one caller only.
 * @throws {UpdateError} when it has ended already
 */
export async function endStored(
  engine: SessionEngine<object>,
  key: string,
  version: SessionVersion,
): Promise<boolean> {
  try {
    await engine.replace(key, {}, version, OVER)
    return true
  } catch (error) {
    if (hasCode(error, 'COATCHECK_CONFLICT')) return false
    throw error
  }
}
