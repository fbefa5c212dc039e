import { LARGEST_PAYLOAD, LARGEST_WITHOUT_HEADER } from '../../workers/files/inspect/session-file.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { files } from '../storage/files.js'
import type { Stored } from './django-options.js'
import { ProgressBar } from './progress-bar.js'
import { requireOwner } from './require-owner.js'
import { layoutOf, requireDirectory } from './store-options.js'

/**
 * Opens the sessions in a directory for as long as the work takes: for commands that change something.
 * @throws {TypeError} when the sessions are another user's
 * @throws {OwnedError} when a live engine keeps a journal there
 */
export async function withEngine(
  directory: string,
  { store, codec, seal }: Stored,
  work: (engine: SessionEngine) => Promise<void>,
): Promise<void> {
  requireDirectory(directory)
  const { prefix = '', hashNames = false } = store
  // Wrong options are refused before anything is looked at.
  files({ directory, prefix, hashNames })
  // Of Django's sessions none is written, and only those are removed that the system lets this user remove.
  if (codec === undefined) requireOwner(directory, store)
  // A journal that a crash has left may be that of an engine with `fsync`: what that had acknowledged has to be as safe in
  // files before the journal goes.
  const layout = layoutOf(directory, store)
  // Which one the application has, nobody says.
  const maxRecordBytes = codec === undefined ? LARGEST_PAYLOAD : LARGEST_WITHOUT_HEADER
  const storage = files({ directory, layout, prefix, hashNames, maxRecordBytes, fsync: true })
  // Not before it is needed: help and mistakes are answered at once.
  const { SessionEngine } = await import('../engine/session-engine.js')
  const engine = new SessionEngine({
    storage,
    threads: 1,
    sweepInterval: false,
    ...(codec === undefined ? {} : { codec }),
    ...(seal === undefined ? {} : { seal }),
  })
  const bar = new ProgressBar(
    'reading the journal back {bar} {percentage} % | {records} operations | {eta_formatted} left',
  )
  // Whatever is to be done: what a crash has left in a journal comes first.
  engine.on('recovery', ({ done, bytes, totalBytes, records }) => {
    bar.show(bytes, totalBytes, { records })
    if (done) bar.end()
  })
  try {
    await work(engine)
  } finally {
    bar.end()
    await engine.close()
  }
}
