import { CoatcheckError } from '../../engine/errors.js'
import type { Expiry } from '../../engine/options.js'
import type { SessionEngine } from '../../engine/session-engine.js'

/* Stands in until the engine has versions. */

export type SessionVersion = string

export interface VersionedEngine extends SessionEngine<object> {
  loadVersion(key: string): Promise<{ session: object; version: SessionVersion } | undefined>
  replace(key: string, session: object, version: SessionVersion, expiry?: Expiry): Promise<SessionVersion>
}

export class ConflictError extends CoatcheckError {
  readonly code = 'COATCHECK_CONFLICT'
}
