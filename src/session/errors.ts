import { CoatcheckError } from '../errors.js'

/*
 * What the Session object itself refuses. As everywhere, no message carries a key, or anything out of a session.
 */

/** The session has a key, and nobody has awaited `load()` yet: what is in it is not known. */
export class SessionNotLoadedError extends CoatcheckError {
  readonly code = 'COATCHECK_NOT_LOADED'
  constructor() {
    super('the session is not loaded yet; await session.load() before you read or change it')
  }
}

/** `pop(name)` found nothing of that name, and was given nothing to return instead. */
export class MissingNameError extends CoatcheckError {
  readonly code = 'COATCHECK_NO_SUCH_NAME'
  constructor() {
    super('the session holds nothing of this name; give pop() a second argument to be returned instead')
  }
}

/** By the code, not by the class: the engine may come from another copy of the package. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
