import { closeSync, openSync } from 'node:fs'
import { basename } from 'node:path'
import type { CorruptNotice } from '../../protocol/index.js'
import type { Layout, Place } from '../layout.js'
import { NEW_FILE_FLAGS } from '../open-flags.js'
import { unlinkAnyway } from '../unlink.js'
import { writeFully } from '../write-fully.js'

/** Keeps a record that is in no file yet for whoever wants to look at it. */
export function keepAside(layout: Layout, place: Place, reason: string, record: Buffer): CorruptNotice {
  const aside = layout.aside(place)
  try {
    const descriptor = openSync(aside, NEW_FILE_FLAGS, 0o600)
    try {
      writeFully(descriptor, record, { start: 0, end: record.length, position: 0 })
    } finally {
      closeSync(descriptor)
    }
    return { reason, keptAs: `*${basename(aside).slice(-24)}` }
  } catch {
    // It is told all the same, and no reason to fail a load.
    unlinkAnyway(aside)
    return { reason, keptAs: undefined }
  }
}
