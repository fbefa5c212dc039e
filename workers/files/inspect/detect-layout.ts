import { lstatSync, opendirSync } from 'node:fs'
import { Layout } from '../layout.js'
import { peekHeader } from '../peek.js'
import { isTombstone } from '../tombstone.js'
import type { InspectionOptions } from './entries.js'

/** The layout that a directory shows; what `files()` takes by default where it shows none. */
export function detectLayout({ directory, prefix, orphanGrace }: InspectionOptions): 'sharded' | 'flat' {
  const options = {
    directory,
    prefix,
    orphanGrace,
    fsync: false,
    hashNames: false,
    maxRecordBytes: 0,
    exclusive: false,
  }
  const sharded = new Layout({ ...options, layout: 'sharded' })
  if (sharded.directories.some(isDirectory)) return 'sharded'
  return holdsSessions(new Layout({ ...options, layout: 'flat' }), prefix) ? 'flat' : 'sharded'
}

/** A tombstone of a flat layout may have the name of a directory of the sharded one. */
function isDirectory(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && !isTombstone(stats)
}

function holdsSessions(flat: Layout, prefix: string): boolean {
  const handle = opendirSync(flat.root)
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (flat.classify(entry.name).kind !== 'session') continue
      // Without a prefix nearly any name would do for a session's.
      if (prefix !== '' || peekHeader(`${flat.root}/${entry.name}`) !== undefined) return true
    }
    return false
  } finally {
    handle.closeSync()
  }
}
