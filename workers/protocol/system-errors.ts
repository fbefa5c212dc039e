import type { Failure } from './reply.js'

/** The code of a system error, or `undefined` for any other thrown value. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether an error has one of the given codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = errorCode(error)
  return code !== undefined && codes.includes(code)
}

/** A failure to report. Node's own message ends in the path, and a path holds a session key: it is cut off. */
export function describeFailure(slot: number, error: unknown): Failure {
  const code = errorCode(error) ?? 'UNKNOWN'
  const syscall =
    error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : 'none'
  const known = error instanceof Error ? /^[A-Z0-9_]+: ([^,']+), \w+/.exec(error.message) : null
  const reason = known?.[1] ?? (error instanceof Error ? error.name : 'unknown error')
  return { slot, code, syscall, message: `${code}: ${reason}, ${syscall}` }
}

/** A system error that no system call threw, in the same shape. */
export function systemError(code: string, syscall: string, reason: string): Error {
  return Object.assign(new Error(`${code}: ${reason}, ${syscall}`), { code, syscall })
}

/** Whether there were too few file descriptors, of this process or of the system. */
export function lacksDescriptors({ code }: Failure): boolean {
  return code === 'EMFILE' || code === 'ENFILE'
}
