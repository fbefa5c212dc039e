import { closeSync, constants, openSync } from 'node:fs'
import { basename } from 'node:path'
import type { CorruptNotice } from '../../protocol/index.js'
import type { Layout, Place } from '../layout.js'
import { writeFully } from '../temporary.js'
import { unlinkIfPresent } from '../unlink.js'

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

/** Keeps a record that is in no file yet for whoever wants to look at it. */
export function keepAside(layout: Layout, place: Place, reason: string, record: Buffer): CorruptNotice {
  const aside = layout.aside(place)
  try {
    const descriptor = openSync(aside, FLAGS, 0o600)
    try {
      writeFully(descriptor, record, 0, record.length)
    } finally {
      closeSync(descriptor)
    }
    return { reason, keptAs: `*${basename(aside).slice(-24)}` }
  } catch {
    // It is told all the same, and no reason to fail a load.
    unlinkIfPresent(aside)
    return { reason, keptAs: undefined }
  }
}
