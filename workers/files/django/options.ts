import type { ExpiryRule } from './session-expiry.js'
import type { SigningOptions } from './signing.js'

/** What the format is opened with in a worker: every default filled in by `django()` on the main thread. */
export interface DjangoFormatOptions extends SigningOptions, ExpiryRule {}

/** The id of the codec whose payloads are in these records; it does not stand in them. */
export const DJANGO_CODEC = 3

/**
 * The keys that Django makes, and none that a file system would not take with prefix and suffix: 128 characters at the
 * most.
 */
export const DJANGO_KEY = /^[a-z0-9]{1,128}$/
