import { lstatSync, type Stats } from 'node:fs'
import { describeFailure, keyHash } from '../../protocol/index.js'
import { CLAIM_LIFE } from '../claim.js'
import type { Layout } from '../layout.js'
import { isOlder } from '../litter.js'
import { type DecodedName, digestName } from '../names.js'
import { ownerOf } from '../record-owner.js'
import { TOMBSTONE_LIFE } from '../tombstones.js'
import type { InspectedEntry, InspectionDepth, OrphanEntry, SessionEntry } from './entries.js'
import { type FoundRecord, readSessionFile } from './session-file.js'

/** An entry, and what it holds where that was read. */
export interface Visited {
  readonly entry: InspectedEntry
  readonly payload?: Uint8Array | undefined
}

/** What visits need to know. */
export interface VisitOptions {
  readonly layout: Layout
  readonly depth: InspectionDepth
  readonly orphanGrace: number
}

/** Where an entry of one of the layout's directories is. */
interface Whereabouts {
  readonly directory: string
  readonly fileName: string
  /** As it is told. */
  readonly file: string
}

/** Says what an entry of one of the layout's directories is; `undefined` when it is gone by now. */
export function visitEntry(directory: string, fileName: string, options: VisitOptions): Visited | undefined {
  const file = `${directory}/${fileName}`.slice(options.layout.root.length + 1)
  try {
    return visit({ directory, fileName, file }, options)
  } catch (error) {
    const { code } = describeFailure(0, error)
    return code === 'ENOENT' ? undefined : { entry: { kind: 'unreadable', file, code } }
  }
}

function visit(at: Whereabouts, options: VisitOptions): Visited | undefined {
  const entry = options.layout.classify(at.fileName)
  const path = `${at.directory}/${at.fileName}`
  switch (entry.kind) {
    case 'session':
      return visitSession(at, entry.name, options)
    case 'claim':
      return orphan(at, entry.kind, lstatSync(path), CLAIM_LIFE)
    case 'temporary':
    case 'taken':
      return orphan(at, entry.kind, lstatSync(path), options.orphanGrace)
    default:
      return { entry: { kind: entry.kind, file: at.file } }
  }
}

function visitSession(at: Whereabouts, name: DecodedName, options: VisitOptions): Visited | undefined {
  const owner = ownerOf(at.fileName, name)
  const found = readSessionFile(`${at.directory}/${at.fileName}`, options.layout.format, options.depth, owner)
  switch (found.kind) {
    case 'absent':
      return undefined
    case 'tombstone':
      return orphan(at, found.kind, found.stats, TOMBSTONE_LIFE)
    case 'placeholder':
      return orphan(at, found.kind, found.stats, options.orphanGrace)
    case 'corrupt':
      return { entry: { kind: 'corrupt', file: at.file, reason: found.reason } }
    case 'record':
      return visitRecord(at, name, found, options.layout)
  }
}

function visitRecord(at: Whereabouts, name: DecodedName, found: FoundRecord, layout: Layout): Visited {
  const { file } = at
  // Another application's, whose prefix begins as ours does, or ours as its.
  const { keyLength } = found
  if ('key' in name && keyLength !== undefined && name.key.length !== keyLength)
    return { entry: { kind: 'foreign', file } }
  const key = 'key' in name ? name.key : found.key
  const reason = key === undefined ? undefined : misplacement(at, key, found, layout)
  if (reason !== undefined) return { entry: { kind: 'corrupt', file, reason } }
  return { entry: sessionEntry(file, key, found), payload: found.payload }
}

/** Why a record is where nobody looks for its key; `undefined` where it is in its place. */
function misplacement(at: Whereabouts, key: string, found: FoundRecord, layout: Layout): string | undefined {
  if (found.key !== undefined && !at.fileName.endsWith(digestName(found.key)))
    return 'the key in it is not that of its file name'
  if (layout.place(key, keyHash(key)).directory !== at.directory) return 'in a directory of other keys'
  return undefined
}

function sessionEntry(file: string, key: string | undefined, found: FoundRecord): SessionEntry {
  const { expiry, bytes, codec, stats, closed } = found
  const entry = { kind: 'session', where: 'file', key, file, expiry, bytes, codec } as const
  return { ...entry, changed: stats.ctimeMs, ...(closed ? { closed } : {}) }
}

function orphan({ file }: Whereabouts, what: OrphanEntry['what'], stats: Stats, life: number): Visited {
  return { entry: { kind: 'orphan', file, what, stale: isOlder(stats, life) } }
}
