import { type Known, Ledger } from '../races/journal-history.js'
import { StorageDriver } from '../workers/files/storage-driver.js'
import { take, tell, tellFound } from './script-steps.js'

/* The worker half of files without a journal; see script-steps.ts. */

/** What the program is given. */
export interface DirectScriptOptions {
  readonly directory: string
  readonly fsync: boolean
  /** Default sharded. */
  readonly layout?: 'sharded' | 'flat'
  readonly known: Readonly<Record<string, Known>>
  /** Steps of each key. */
  readonly rounds: number
}

const {
  directory,
  fsync,
  layout = 'sharded',
  known,
  rounds,
} = JSON.parse(process.argv[2] ?? '') as DirectScriptOptions
const ledger = new Ledger(known)
tell('opening')
const driver = new StorageDriver({ directory, fsync, layout })
tell('open')
tellFound(driver, ledger)
tell('ready')
for (let round = 0; round < rounds; round++) {
  if (round % 2 === 0) for (const key of ledger.keys) take(driver, ledger, [key])
  else take(driver, ledger, ledger.keys)
}
tell('closing')
await driver.storage.close()
tell('closed')
process.disconnect()
