export { MissingNameError, SessionNotLoadedError } from './errors.js'
export type { ExpiryOptions, SessionDuration, SessionExpiry } from './expiry.js'
export type { ConflictPolicy } from './policies/policy.js'
export { Session, type SessionOptions } from './session.js'
