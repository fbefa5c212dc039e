import { statSync } from 'node:fs'
import { SessionEngine } from '../engine/session-engine.js'
import { files } from '../storage/files.js'
import { RecoveryBar } from './recovery-bar.js'
import type { StoreOptions } from './store-options.js'

/** Opens the sessions in a directory for as long as the work takes: for commands that change something. */
export async function withEngine(
  directory: string,
  options: StoreOptions,
  work: (engine: SessionEngine) => Promise<void>,
): Promise<void> {
  // The engine would make a directory that is not there; here it is a typing error.
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) {
    throw new Error(`there is no directory ${directory}`)
  }
  const { layout, prefix, hashNames } = options
  const storage = files({
    directory,
    ...(layout === undefined ? {} : { layout }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(hashNames === undefined ? {} : { hashNames }),
  })
  const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
  const bar = new RecoveryBar()
  // Whatever is to be done: what a crash has left in a journal comes first.
  engine.on('recovery', (progress) => bar.show(progress))
  try {
    await work(engine)
  } finally {
    bar.end()
    await engine.close()
  }
}
