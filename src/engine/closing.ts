import { describeFailure } from '../../workers/protocol/index.js'
import { CoatcheckError, StorageError } from '../errors.js'
import { numberOption } from '../option-checks.js'
import type { WorkerLostError } from './batch-carrier.js'
import { storageErrorOf } from './storage-errors.js'
import type { WorkerPool } from './worker-pool.js'

/*
 * The two ends of an engine's life, as far as they can fail.
 */

/**
 * Opens the storage in every worker.
 * @throws {StorageError} naming the problem
 */
export async function openPool(pool: WorkerPool): Promise<void> {
  const failure = await pool.open().catch(({ cause }: WorkerLostError) => {
    // Why the engine was closed meanwhile.
    if (cause instanceof StorageError) throw cause
    throw openingError('WORKER_LOST', 'a worker thread could not start', cause)
  })
  if (failure === undefined) return
  throw openingError(failure.code, failure.message, storageErrorOf(failure).cause)
}

/** The same for an error of the main thread's own calls; errors of ours stay as they are, and what no call threw. */
export function openingFailure(error: unknown): unknown {
  if (error instanceof CoatcheckError) return error
  const failure = describeFailure(0, error)
  if (failure.syscall === 'none') return error
  return openingError(failure.code, failure.message, storageErrorOf(failure).cause)
}

function openingError(code: string, reason: string, cause: unknown): StorageError {
  return new StorageError(code, `the storage could not be opened: ${reason}`, { cause })
}

/** What `close` and everything not stored rejects with when its time is over. */
export function closeTimeoutError(operations: number): StorageError {
  return new StorageError(
    'CLOSE_TIMEOUT',
    operations > 0
      ? `the engine was closed before ${operations} operations were stored`
      : 'everything accepted is stored, but the engine was closed before its work in the background was done',
  )
}

/** Node's timers hold no longer, in milliseconds. */
const LONGEST_TIMEOUT = 2_147_483_647

/** @throws {TypeError} for a timeout that no timer can keep */
export function checkTimeout(timeout: number | undefined): void {
  numberOption('timeout', timeout, 0, { least: 0, most: LONGEST_TIMEOUT, unit: 'milliseconds' })
}

/**
 * Milliseconds past that time in which workers are waited for that have been told to end. It takes them a few, unless one
 * hangs in a system call: then nobody can end it, nor tell for how long.
 */
export const ENDING = 1000

/** Whether a promise settled within so many milliseconds. */
export async function settledInTime(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
