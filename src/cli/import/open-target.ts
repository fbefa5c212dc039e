import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { journalDirectory } from '../../../workers/files/journal/options.js'
import { json } from '../../codecs/json.js'
import { msgpack } from '../../codecs/msgpack.js'
import { SessionEngine } from '../../engine/session-engine.js'
import { AT_ONCE } from '../../import/move-in.js'
import { files } from '../../storage/files.js'
import { requireOwner } from '../require-owner.js'
import { sealFrom } from '../seal-keys.js'
import { layoutOf } from '../store-options.js'
import type { TargetOptions } from './target-options.js'

/** More threads would not be faster: most of the time goes into the reading of files. */
const COMMON = { threads: 1, sweepInterval: false } as const

/**
 * Opens the directory that sessions go to; it is made if absent. What a crash has left in a journal there is brought to
 * files first.
 * @throws {TypeError} for a wrong option, naming it, and when the sessions there are another user's
 * @throws {OwnedError} when a live engine keeps a journal there
 */
export async function openTarget(directory: string, options: TargetOptions): Promise<SessionEngine> {
  const { codec, prefix = '', hashNames = false, fsync = false, maxRecordBytes } = options
  const storage = { directory, prefix, hashNames, fsync, maxRecordBytes }
  const seal = sealFrom(options)
  const common = { ...COMMON, ...(seal === undefined ? {} : { seal }) }
  // Wrong options are refused before anything is looked at.
  files(storage)
  if (existsSync(directory)) requireOwner(directory, options)
  const layout = layoutOf(directory, options)
  if (!fsync && existsSync(journalDirectory(resolve(directory)))) {
    // It may be that of an engine with `fsync`: what that had acknowledged has to be as safe in files before the journal
    // goes. What is imported without it can be imported again.
    await recover(new SessionEngine({ ...common, storage: files({ ...storage, layout, fsync: true }) }))
  }
  return new SessionEngine({
    ...common,
    storage: files({ ...storage, layout }),
    codec: codec === 'json' ? json() : msgpack(),
    // Room for all that is under way, however large.
    maxPending: { bytes: AT_ONCE * maxRecordBytes },
  })
}

async function recover(engine: SessionEngine): Promise<void> {
  try {
    await engine.ready()
  } finally {
    await engine.close()
  }
}
