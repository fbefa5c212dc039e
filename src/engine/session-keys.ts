import { InvalidSessionKeyError } from '../errors.js'

/** The longest session key, in UTF-16 code units. */
export const LONGEST_KEY = 256

/**
 * Session keys are untrusted input: anything that is no string of 1 to 256 characters is refused.
 * @throws {InvalidSessionKeyError}
 */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string')
    throw new InvalidSessionKeyError(`of type ${key === null ? 'null' : typeof key}`)
  if (key.length === 0) throw new InvalidSessionKeyError('empty')
  if (key.length > LONGEST_KEY) throw new InvalidSessionKeyError(`${key.length} characters long`)
}
