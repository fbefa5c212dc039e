/*
 * Every error of the public surface. None carries a session key or a payload in its message: messages end up in
 * logs, and a session key is as good as a password.
 */

/** What all errors of Coatcheck have in common: a stable, upper-case `code`. */
export abstract class CoatcheckError extends Error {
  abstract readonly code: string
  override get name(): string {
    return this.constructor.name
  }
}

/** `create` found a live session of this key. */
export class CreateError extends CoatcheckError {
  readonly code = 'COATCHECK_EXISTS'
  constructor() {
    super('a session of this key exists already; choose another key, or use save() to replace it')
  }
}

/** `update` found no live session of this key: it never was, has expired, or was deleted meanwhile. */
export class UpdateError extends CoatcheckError {
  readonly code = 'COATCHECK_MISSING'
  constructor() {
    super('there is no session of this key any more; start a new one instead of bringing it back')
  }
}

/**
 * `replace` found a live session of another version: somebody has stored something since it was loaded. Nothing of the
 * call is stored; load again, decide again, and try again.
 */
export class ConflictError extends CoatcheckError {
  readonly code = 'COATCHECK_CONFLICT'
  constructor() {
    super('the session is of another version by now; load it again, and base the change on that')
  }
}

/** The session key is no string of 1 to 256 characters. */
export class InvalidSessionKeyError extends CoatcheckError {
  readonly code = 'COATCHECK_INVALID_KEY'
  constructor(what: string) {
    super(`a session key is a string of 1 to 256 characters; this one is ${what}`)
  }
}

/** The session cannot be stored as it is; the stored version is untouched. */
export class EncodeError extends CoatcheckError {
  readonly code = 'COATCHECK_ENCODE'
  /** Where in the session the offending value stands, as in `cart.items[2].price`; empty for the session itself. */
  readonly path: string
  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`the session cannot be encoded: ${path === '' ? 'it' : path} ${reason}`, options)
    this.path = path
  }
}

/** The storage could not do it. The previous version of the session is still readable. */
export class StorageError extends CoatcheckError {
  readonly code = 'COATCHECK_STORAGE'
  /** The system's code, such as `ENOSPC`; `WORKER_LOST` when worker threads died with the operation in hand. */
  readonly errno: string
  constructor(errno: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.errno = errno
  }
}

/**
 * The storage's master has the write, and not as many replicas as `acknowledge` asks for have said so in time. It is no promise:
 * with the master it may be lost, and it may be what the next load finds.
 */
export class UnconfirmedError extends StorageError {
  constructor(message: string, options?: ErrorOptions) {
    super('UNCONFIRMED', message, options)
  }
}

/** More operations or bytes are waiting than `maxPending` allows: try later, or answer 503. */
export class OverloadedError extends CoatcheckError {
  readonly code = 'COATCHECK_OVERLOADED'
  constructor(what: 'operations' | 'bytes' | 'journal', limit: number) {
    super(
      what === 'journal'
        ? `more than ${limit} bytes wait in the journal to be written to files (journalMemory); try again later`
        : `more than ${limit} ${what} are waiting to be stored (maxPending.${what}); try again later`,
    )
  }
}

/** The session directory has a journal, and another engine that is alive owns it. */
export class OwnedError extends CoatcheckError {
  readonly code = 'COATCHECK_OWNED'
  /** The process of that engine; it may be this one. */
  readonly pid: number
  constructor(pid: number) {
    super(
      `the session directory belongs to the engine of process ${pid}, which keeps a journal in it; ` +
        'close that engine first, wait for it with ownerTimeout, or use another directory',
    )
    this.pid = pid
  }
}

/** The engine was closed before this operation was issued. */
export class EngineClosedError extends CoatcheckError {
  readonly code = 'COATCHECK_CLOSED'
  constructor() {
    super('the engine is closed; create a new SessionEngine to go on')
  }
}

/** The storage, as it is set up, cannot do what was asked. */
export class UnsupportedError extends CoatcheckError {
  readonly code = 'COATCHECK_UNSUPPORTED'
}
