import { lstatSync } from 'node:fs'
import { hasCode } from '../protocol/index.js'
import { pause } from './pause.js'

const ATTEMPTS = 12
const FIRST_WAIT = 1
const LONGEST_WAIT = 200

/** What the rules of Windows rest on; tests bring their own. */
export interface HeldSystem {
  readonly platform: NodeJS.Platform
  readonly isDirectory: (path: string) => boolean
  /** Blocks the thread for so many milliseconds. */
  readonly wait: (milliseconds: number) => void
}

/** The machine that this runs on. */
export const realSystem: HeldSystem = {
  platform: process.platform,
  isDirectory: (path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
  wait: pause,
}

/** Whether a call failed as those do on a file that somebody has open, or that goes when he closes it. */
export function isHeld(error: unknown, platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'win32' && hasCode(error, 'EPERM', 'EACCES', 'EBUSY')
}

/**
 * On Windows a virus scanner, an indexer or a reader that has a file open makes a call on it fail for a moment: it is
 * tried again with growing waits, about a second in all. Elsewhere those codes mean what they say.
 *
 * @param check Before each attempt: throws where waiting would not help
 */
export function whileHeld<Result>(system: HeldSystem, call: () => Result, check: () => void): Result {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    check()
    try {
      return call()
    } catch (error) {
      if (!isHeld(error, system.platform)) throw error
      system.wait(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)))
    }
  }
  check()
  return call()
}
