import type { Dispatcher } from './dispatcher.js'
import { StorageError } from './errors.js'
import { storageErrorOf } from './storage-errors.js'
import { WorkerLostError, type WorkerPool } from './worker-pool.js'

/*
 * The two ends of an engine's life, as far as they can fail.
 */

/**
 * Opens the storage in every worker.
 * @throws {StorageError} naming the problem
 */
export async function openPool(pool: WorkerPool): Promise<void> {
  const failure = await pool.open().catch((error: unknown) => {
    if (!(error instanceof WorkerLostError)) throw error
    throw openingError('WORKER_LOST', 'a worker thread could not start', error.cause)
  })
  if (failure === undefined) return
  throw openingError(failure.code, failure.message, storageErrorOf(failure).cause)
}

function openingError(code: string, reason: string, cause: unknown): StorageError {
  return new StorageError(code, `the storage could not be opened: ${reason}`, { cause })
}

/** What `close` and everything not stored rejects with when its time is over. */
export function closeTimeoutError(operations: number): StorageError {
  return new StorageError(
    'CLOSE_TIMEOUT',
    `the engine was closed before ${operations} operations were stored`,
  )
}

/** Resolves when everything accepted so far is settled, or the signal aborts. */
export async function settledOrAborted(dispatcher: Dispatcher, signal: AbortSignal): Promise<void> {
  const listening = new AbortController()
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { signal: listening.signal })
  })
  await Promise.race([dispatcher.settled(), aborted])
  listening.abort()
}
