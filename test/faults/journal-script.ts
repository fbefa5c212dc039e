import { rmdirSync, writeSync } from 'node:fs'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { concealed } from '../fixtures/sealed-storage.js'
import { type Known, Ledger, type StepKind, stepKind } from '../races/journal-history.js'
import { REPORTS } from '../races/journal-reports.js'
import { makeVersion, versionOf } from '../races/versions.js'
import { JournalDriver } from '../workers/files/journal/journal-driver.js'
import type { Step } from '../workers/files/storage-driver.js'

/*
 * The worker halves of a journal and the files behind it in one thread, taking the same steps in the same order every
 * time: so the nth system call of one run is the nth of the next.
 */

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

const OPCODES: Record<StepKind, Opcode> = {
  save: Opcode.SAVE,
  update: Opcode.UPDATE,
  create: Opcode.CREATE,
  delete: Opcode.DELETE,
  touch: Opcode.TOUCH,
  expire: Opcode.TOUCH,
}
const OUTCOMES = new Map<Status, string>([
  [Status.DONE, 'done'],
  [Status.CONFLICT, 'exists'],
  [Status.ABSENT, 'missing'],
])

function tell(...words: readonly unknown[]): void {
  writeSync(REPORTS, `${words.join(' ')}\n`)
}

function stepOf(key: string): Step {
  const number = ledger.step(key) + 1
  const kind = stepKind(key, number)
  const step = { opcode: OPCODES[kind], key }
  if (kind === 'delete' || kind === 'touch') return step
  if (kind === 'expire') return { ...step, expiry: 1 }
  return { ...step, text: JSON.stringify(makeVersion(key, number)) }
}

/** Takes the next step of each of these keys, all of them in one batch. */
function take(keys: readonly string[]): void {
  const { outcomes } = driver.apply(keys.map(stepOf))
  for (const [index, key] of keys.entries()) {
    const { status, failure } = outcomes[index] ?? {}
    const outcome = OUTCOMES.get(status ?? Status.FAILED) ?? `failed:${failure?.code}`
    const step = ledger.step(key) + 1
    ledger.acknowledge(key, step, outcome)
    tell('took', key, step, outcome)
  }
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
for (const key of keys) {
  const text = driver.load(key)
  const version = text === undefined ? undefined : versionOf(key, JSON.parse(text))
  tell('found', key, version ?? '-')
  ledger.found(key, version)
}
tell('ready')
for (let round = 0; round < rounds; round++) {
  if (round % 2 === 0) for (const key of keys) take([key])
  else take(keys)
  if (round % 2 === 1 && round < rounds - 1) checkpoint(() => take(keys.slice(0, 2)))
}
tell('closing')
checkpoint(() => undefined)
driver.journal.close()
rmdirSync(driver.journalDirectory)
tell('closed')
process.disconnect()
