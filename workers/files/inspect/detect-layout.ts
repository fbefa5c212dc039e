import { lstatSync, opendirSync } from 'node:fs'
import { Layout } from '../layout.js'
import { peekHeader } from '../peek.js'
import { isTombstone } from '../tombstone.js'

/** The layout that a directory shows; what `files()` takes by default where it shows none. */
export function detectLayout(directory: string, prefix: string): 'sharded' | 'flat' {
  const options = { directory, prefix, fsync: false, hashNames: false, exclusive: false }
  const sizes = { maxRecordBytes: 0, orphanGrace: 0 }
  const sharded = new Layout({ ...options, ...sizes, layout: 'sharded' })
  if (sharded.directories.some(isDirectory)) return 'sharded'
  return holdsSessions(new Layout({ ...options, ...sizes, layout: 'flat' }), prefix) ? 'flat' : 'sharded'
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
