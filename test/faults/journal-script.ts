import { rmdirSync } from 'node:fs'
import { concealed } from '../fixtures/sealed-storage.js'
import { type Known, Ledger } from '../races/journal-history.js'
import { JournalDriver } from '../workers/files/journal/journal-driver.js'
import { take, tell, tellFound } from './script-steps.js'

/* The worker halves of a journal and the files behind it in one thread; see script-steps.ts. */

/** What the program is given. */
export interface JournalScriptOptions {
  readonly directory: string
  readonly fsync: boolean
  /** Sealed, with digests for keys. */
  readonly concealed: boolean
  readonly known: Readonly<Record<string, Known>>
  /** Steps of each key. */
  readonly rounds: number
}

function checkpoint(meanwhile: () => void): void {
  let first = true
  const { failures } = driver.checkpoint(() => {
    if (first) meanwhile()
    first = false
  })
  if (failures === undefined || failures.length > 0) throw new Error('the checkpoint failed')
}

const options = JSON.parse(process.argv[2] ?? '') as JournalScriptOptions
const { directory, fsync, known, rounds } = options
const ledger = new Ledger(known)
const keys = ledger.keys
tell('opening')
const driver = new JournalDriver({
  directory,
  fsync,
  segmentBytes: 2 ** 14,
  ...concealed(options.concealed),
})
tell('open')
tellFound(driver, ledger)
tell('ready')
for (let round = 0; round < rounds; round++) {
  if (round % 2 === 0) for (const key of keys) take(driver, ledger, [key])
  else take(driver, ledger, keys)
  if (round % 2 === 1 && round < rounds - 1) checkpoint(() => take(driver, ledger, keys.slice(0, 2)))
}
tell('closing')
checkpoint(() => undefined)
driver.journal.close()
rmdirSync(driver.journalDirectory)
tell('closed')
process.disconnect()
