import { json } from '../../codecs/json.js'
import { msgpack } from '../../codecs/msgpack.js'
import { SessionEngine } from '../../engine/session-engine.js'
import { AT_ONCE } from '../../import/move-in.js'
import { files } from '../../storage/files.js'
import { layoutOf } from '../store-options.js'
import type { TargetOptions } from './target-options.js'

/**
 * Opens the directory that sessions go to; it is made if absent.
 * @throws {TypeError} for a wrong option, naming it
 */
export function openTarget(directory: string, options: TargetOptions): SessionEngine {
  const { codec, prefix = '', hashNames = false, fsync = false, maxRecordBytes } = options
  const storage = { directory, prefix, hashNames, fsync, maxRecordBytes }
  // Wrong options are refused before anything is looked at.
  files(storage)
  return new SessionEngine({
    storage: files({ ...storage, layout: layoutOf(directory, options) }),
    // More would not be faster: most of the time goes into the reading of files.
    threads: 1,
    codec: codec === 'json' ? json() : msgpack(),
    sweepInterval: false,
    // Room for all that is under way, however large.
    maxPending: { bytes: AT_ONCE * maxRecordBytes },
  })
}
