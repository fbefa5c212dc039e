import { systemError } from '../protocol/index.js'

/**
 * Of what was to end a session, or to store one that is over by now, and is tried again, when there is none: its worker may have
 * done it before it died, and a sweep have taken away what was over.
 *
 * @returns what a system call would throw
 */
export function endedOrNot(): Error {
  return systemError(
    'WORKER_LOST',
    'unlink',
    'a worker thread died with this, and there is no session by now',
  )
}
