import { readFileSync } from 'node:fs'

/** Whether the main thread of a process has been stopped by a signal, or is no more: it tells nothing from now on. Linux only. */
export function standsStill(pid: number | undefined): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // Behind the name, which may hold anything.
    return 'TtZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2))
  } catch {
    return true
  }
}
