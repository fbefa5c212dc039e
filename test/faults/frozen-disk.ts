import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { programMissing } from './missing.js'

/** Seconds after which the guard thaws a disk that nobody else has. */
const LONGEST = 60

/** Why no disk can be frozen here, if none can. */
export function freezingMissing(): string | undefined {
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices here'
  return programMissing('fsfreeze', '--version')
}

/**
 * Freezes a file system while the body runs: whoever writes to it hangs, and cannot be killed. This process must not write
 * to it. A guard thaws it when this process has ended before it has done so, or has forgotten it.
 */
export async function whileFrozen(directory: string, body: () => Promise<void>): Promise<void> {
  const guard = guardOf(directory)
  let complaint: string | undefined
  try {
    // Waits for what is being written to be on the disk.
    complaint = freeze('-f', directory)
    if (complaint === undefined) await body()
  } finally {
    // What the body has thrown comes first: it has waited in vain, mostly.
    complaint ??= thaw(directory)
    guard.stdin?.end()
  }
  if (complaint !== undefined) throw new Error(complaint)
}

/** What it complains of. */
function freeze(how: '-f' | '-u', directory: string): string | undefined {
  const { status, stderr } = spawnSync('fsfreeze', [how, directory])
  return status === 0 ? undefined : `fsfreeze ${how} failed: ${stderr}`
}

function thaw(directory: string): string | undefined {
  const complaint = freeze('-u', directory)
  return complaint && `the guard thawed it after ${LONGEST} s: nobody answered (${complaint})`
}

/** It hears of this process's end by the end of its input. Thawing what is not frozen does nothing. */
function guardOf(directory: string): ChildProcess {
  const script = `timeout ${LONGEST} sh -c 'read -r _'; fsfreeze -u "$1" 2>/dev/null`
  const guard = spawn('sh', ['-c', script, 'sh', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  return guard
}
