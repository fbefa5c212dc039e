import { type Dir, lstatSync, opendirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { journalDirectory } from '../../workers/files/journal/options.js'
import { Layout } from '../../workers/files/layout.js'
import { hasCode } from '../../workers/protocol/index.js'
import { printable } from './output.js'
import { layoutOf, type StoreOptions } from './store-options.js'

/**
 * Files of sessions are for the user alone who writes them. What root, or anybody else but the server's user, would write or
 * seal anew, the server could not read any more.
 * @throws {TypeError} when the sessions in a directory are another user's, telling whose
 */
export function requireOwner(directory: string, store: StoreOptions): void {
  // Not there on Windows.
  const user = process.geteuid?.()
  if (user === undefined) return
  const owner = ownerOf(directory, store)
  if (owner === user) return
  throw new TypeError(
    `the sessions in ${printable(directory)} are those of the user with the id ${owner}, who could not read what user ${user} ` +
      `writes there: run it as that user, as with sudo -u '#${owner}'`,
  )
}

/**
 * The directory itself may have been made by somebody else, root for one, for a group that the server is in: what engines have
 * made in it tells more.
 */
function ownerOf(directory: string, store: StoreOptions): number {
  try {
    return ownerOfContents(resolve(directory), store) ?? statSync(directory).uid
  } catch (error) {
    // Another user's, who lets nobody in.
    if (hasCode(error, 'EACCES')) return statSync(directory).uid
    throw error
  }
}

function ownerOfContents(directory: string, store: StoreOptions): number | undefined {
  const journal = uidOf(journalDirectory(directory))
  if (journal !== undefined) return journal
  const layout = layoutOf(directory, store)
  if (layout === 'flat') return ownerOfFirstSession(directory, store.prefix ?? '')
  for (const shard of layoutIn(directory, 'sharded', '').directories) {
    const uid = uidOf(shard)
    if (uid !== undefined) return uid
  }
  return undefined
}

function ownerOfFirstSession(directory: string, prefix: string): number | undefined {
  const flat = layoutIn(directory, 'flat', prefix)
  const handle: Dir = opendirSync(directory)
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (flat.classify(entry.name).kind !== 'session') continue
      const uid = uidOf(`${directory}/${entry.name}`)
      if (uid !== undefined) return uid
    }
    return undefined
  } finally {
    handle.closeSync()
  }
}

function layoutIn(directory: string, layout: 'sharded' | 'flat', prefix: string): Layout {
  const sizes = { maxRecordBytes: 0, orphanGrace: 0 }
  return new Layout({
    directory,
    layout,
    prefix,
    fsync: false,
    hashNames: false,
    exclusive: false,
    ...sizes,
  })
}

function uidOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.uid
}
