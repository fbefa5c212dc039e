import type { Failure } from '../../workers/protocol/index.js'
import { StorageError } from './errors.js'

/** The typed error for a failure that a worker reported. Its cause has the system error's code and call, no path. */
export function storageErrorOf(failure: Failure | undefined): StorageError {
  if (failure === undefined) return new StorageError('UNKNOWN', 'the storage failed without a word')
  const { code, syscall, message } = failure
  const cause = Object.assign(new Error(message), { code, syscall })
  return new StorageError(code, `the storage failed: ${message}`, { cause })
}
