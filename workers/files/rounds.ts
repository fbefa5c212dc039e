import { systemError } from '../protocol/index.js'

/** Two processes can only keep taking a session from each other so often before one of them gives way. */
export const MOST_ROUNDS = 16

/** What whoever gives way is told. */
export function busy(syscall: string): Error {
  return systemError('EBUSY', syscall, 'other processes keep the place of this session occupied')
}
