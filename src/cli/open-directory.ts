import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { journalDirectory } from '../../workers/files/journal/options.js'
import type { Codec } from '../codecs/codec.js'
import type { SealOptions } from '../engine/seal-option.js'
import { SessionEngine } from '../engine/session-engine.js'
import { type FilesOptions, files } from '../storage/files.js'
import { requireOwner } from './require-owner.js'
import { layoutOf } from './store-options.js'

/** How sessions are laid out in a directory, and how safe they are to be there. */
export type DirectoryOptions = Pick<FilesOptions, 'prefix' | 'layout' | 'hashNames' | 'fsync'> & {
  readonly maxRecordBytes: number
}

/** What is to be done with what is opened. */
export interface MovingOptions {
  readonly codec: Codec
  readonly seal: SealOptions | undefined
  /** Sessions in hand at a time. */
  readonly atOnce: number
}

/** More threads would not be faster: most of the time goes into the reading of files. */
const COMMON = { threads: 1, sweepInterval: false } as const

/**
 * Opens a directory that many sessions go to, or come from; it is made if absent. What a crash has left in a journal there is
 * brought to files first.
 * @throws {TypeError} for a wrong option, naming it, and when the sessions there are another user's
 * @throws {OwnedError} when a live engine keeps a journal there
 */
export async function openDirectory(
  directory: string,
  options: DirectoryOptions,
  { codec, seal, atOnce }: MovingOptions,
): Promise<SessionEngine> {
  const { prefix = '', hashNames = false, fsync = false, maxRecordBytes } = options
  const storage = { directory, prefix, hashNames, fsync, maxRecordBytes }
  const common = { ...COMMON, ...(seal === undefined ? {} : { seal }) }
  // Wrong options are refused before anything is looked at.
  files(storage)
  if (existsSync(directory)) requireOwner(directory, options)
  const layout = layoutOf(directory, options)
  if (!fsync && existsSync(journalDirectory(resolve(directory)))) {
    // It may be that of an engine with `fsync`: what that had acknowledged has to be as safe in files before the journal
    // goes. What is moved in without it can be moved in again.
    await recover(new SessionEngine({ ...common, storage: files({ ...storage, layout, fsync: true }) }))
  }
  return new SessionEngine({
    ...common,
    storage: files({ ...storage, layout }),
    codec,
    // Room for all that is under way, however large.
    maxPending: { bytes: atOnce * maxRecordBytes },
  })
}

async function recover(engine: SessionEngine): Promise<void> {
  try {
    await engine.ready()
  } finally {
    await engine.close()
  }
}
