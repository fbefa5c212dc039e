import { existsSync, readdirSync } from 'node:fs'

/** Where Debian has the library of its package faketime, for any processor. */
const LIBRARIES = '/usr/lib'

function fakeClockLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined
  for (const name of readdirSync(LIBRARIES)) {
    const library = `${LIBRARIES}/${name}/faketime/libfaketimeMT.so.1`
    if (existsSync(library)) return library
  }
  return undefined
}

/** Why no clock can be set here, if none can. */
export function fakeClockMissing(): string | undefined {
  if (process.platform !== 'linux') return 'clocks are set with Linux’s LD_PRELOAD'
  return fakeClockLibrary() === undefined ? 'libfaketime is not installed' : undefined
}

/**
 * The environment of a process whose clock is as far from the true one as a file says, in seconds, at each look at it. Its
 * monotonic clock goes on as it does, and so do the times that the kernel puts onto files.
 */
export function fakeClockEnvironment(file: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: fakeClockLibrary() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
}
