import type { Failure } from '../../workers/protocol/index.js'
import { StorageError, UnconfirmedError } from '../errors.js'
import type { WorkerLostError } from './batch-carrier.js'

/** The typed error for a failure that a worker reported. Its cause has the system error's code and call, no path. */
export function storageErrorOf(failure: Failure | undefined): StorageError {
  if (failure === undefined) return new StorageError('UNKNOWN', 'the storage failed without a word')
  const { code, syscall, message } = failure
  const cause = Object.assign(new Error(message), { code, syscall })
  if (code === 'UNCONFIRMED') return new UnconfirmedError(`the write is not confirmed: ${message}`, { cause })
  return new StorageError(code, `the storage failed: ${message}`, { cause })
}

/** Why an operation was lost: the engine was closed before it was stored, or worker threads died of it. */
export function lossOf({ cause }: WorkerLostError): StorageError {
  if (cause instanceof StorageError) return cause
  const message = 'worker threads died while they worked on this; what it changes may or may not be stored'
  return new StorageError('WORKER_LOST', message, { cause })
}
