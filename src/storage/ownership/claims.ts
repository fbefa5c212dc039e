import { readdirSync } from 'node:fs'
import { journalDirectory } from '../../../workers/files/journal/options.js'
import { segmentNumber } from '../../../workers/files/journal/segment.js'
import { isSpare, removeSpares } from '../../../workers/files/journal/spares.js'
import { openDirectory, refuseLink } from '../../../workers/files/open-directory.js'
import { hasCode, type Ownership, systemError } from '../../../workers/protocol/index.js'
import { OwnedError } from '../../errors.js'
import { isSignOfLife, ownDirectory, ownerOf } from './ownership.js'

/**
 * For an engine with a journal: the session directory is its own until it closes.
 * @throws {OwnedError} when another live engine has it, and keeps it for longer than `timeout` milliseconds
 */
export function ownForGood(directory: string, timeout: number): Promise<Ownership> {
  openDirectory(directory)
  return ownDirectory(journalDirectory(directory), { claim: 'owner', timeout })
}

/**
 * For an engine without one: `undefined` when there is nothing of a journal's; else the directory is its own until
 * it has brought to files what an engine that died has left.
 * @throws {OwnedError} when a live engine keeps a journal there
 */
export async function ownForRecovery(directory: string): Promise<Ownership | undefined> {
  const journal = journalDirectory(directory)
  for (;;) {
    const names = namesIn(journal)
    if (names === undefined) return undefined
    const owner = await ownerOf(journal)
    if (owner !== undefined) throw new OwnedError(owner.pid)
    const ownership = hasSegments(names)
      ? await ownDirectory(journal, { claim: 'recovery', timeout: 0 })
      : await ownLeftover(journal, names)
    if (ownership === undefined) return undefined
    try {
      // Whoever had it before us may have done it all.
      if (hasSegments(namesIn(journal) ?? [])) return ownership
    } catch (error) {
      await ownership.release(false)
      throw error
    }
    removeSpares(journal)
    await ownership.release(true)
    if (!hasSegments(names)) return undefined
  }
}

/**
 * For an engine whose sessions are of another format than those in a journal: there must not be any.
 * @throws {OwnedError} when a live engine keeps a journal there
 */
export async function refuseLeftover(directory: string): Promise<undefined> {
  const ownership = await ownForRecovery(directory)
  if (ownership === undefined) return
  await ownership.release(false)
  throw systemError(
    'EBUSY',
    'open',
    'the directory has a journal of sessions in another format: coatcheck recover brings them to files of their own',
  )
}

/**
 * The same for what an engine leaves that dies when it has closed its journal, all but: a directory that holds no
 * segments. It is in nobody's way, and only to be tidied up.
 */
async function ownLeftover(journal: string, names: readonly string[]): Promise<Ownership | undefined> {
  if (!names.every((name) => isSignOfLife(name) || isSpare(name))) return undefined
  try {
    return await ownDirectory(journal, { claim: 'recovery', timeout: 0 })
  } catch (error) {
    if (error instanceof OwnedError) throw error
    return undefined
  }
}

/** The process of the live engine that keeps a journal in a session directory; `undefined` without one. */
export async function liveOwner(directory: string): Promise<number | undefined> {
  try {
    return (await ownerOf(journalDirectory(directory)))?.pid
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

function hasSegments(names: readonly string[]): boolean {
  return names.some((name) => segmentNumber(name) !== undefined)
}

function namesIn(directory: string): string[] | undefined {
  try {
    refuseLink(directory)
    return readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
