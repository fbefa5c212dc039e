import { readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** Nobody can give way any further. */
const LEAST = 19

/**
 * Lets every other thread go first where processors are short: what nobody waits for must not stand in the way of what somebody
 * does. Linux gives each thread a priority of its own (setpriority(2), "C library/kernel differences"); anywhere else, and
 * where there is no /proc, nothing changes.
 *
 * @param by as for nice(1): 1 to 19, from where the process stands
 */
export function giveWay(by: number): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    setPriority(thread, Math.min(LEAST, getPriority(thread) + by))
  } catch {
    // It works all the same, and stands in the way now and then.
  }
}
