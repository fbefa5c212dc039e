import { Opcode, SLICES } from '../../protocol/index.js'
import type { Layout } from '../layout.js'
import { restoreExpiry } from '../touch.js'
import type { NewestVersions } from './newest.js'

/**
 * Brings the touches that were read back to the files they are for, before anybody reads those.
 *
 * A file need not know of them: a checkpoint may have written it as it was before the touch, and dropped the segment that the
 * session itself stood in. What has expired by its last touch is not to come back, and what has not is not to be taken
 * for dead.
 */
export function settleTouches(newest: NewestVersions, layout: Layout, now: number): void {
  for (let slice = 0; slice < SLICES; slice++) {
    for (let entry = newest.oldest(slice); entry !== -1; entry = newest.later(entry)) {
      if (newest.opcode(entry) === Opcode.TOUCH) settle(newest, entry, layout, now)
    }
  }
}

function settle(newest: NewestVersions, entry: number, layout: Layout, now: number): void {
  const expiry = newest.expiry(entry)
  if (expiry <= now) {
    newest.bury(entry)
    return
  }
  const slot = newest.slot(entry)
  const key = slot.key()
  try {
    restoreExpiry({ place: layout.place(key, slot.hash), key, expiry })
  } catch {
    // One file is no reason not to open. The next checkpoint does it again, and tells when it cannot.
  }
}
