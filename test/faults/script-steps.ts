import { writeSync } from 'node:fs'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { type Ledger, type StepKind, stepKind } from '../races/journal-history.js'
import { REPORTS } from '../races/journal-reports.js'
import { makeVersion, versionOf } from '../races/versions.js'
import type { Step, StorageDriver } from '../workers/files/storage-driver.js'

/*
 * What the programs do that are killed at each of their system calls: the same steps in the same order every time, in one thread,
 * so that the nth call of one run is the nth of the next.
 */

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

/** Tells the test, by a write that is done when it returns. */
export function tell(...words: readonly unknown[]): void {
  writeSync(REPORTS, `${words.join(' ')}\n`)
}

/** Tells what is stored now. */
export function tellFound(driver: StorageDriver, ledger: Ledger): void {
  for (const key of ledger.keys) {
    const text = driver.load(key)
    const version = text === undefined ? undefined : versionOf(key, JSON.parse(text))
    tell('found', key, version ?? '-')
    ledger.found(key, version)
  }
}

/** Takes the next step of each of these keys, all of them in one batch. */
export function take(driver: StorageDriver, ledger: Ledger, keys: readonly string[]): void {
  const { outcomes } = driver.apply(keys.map((key) => stepOf(key, ledger)))
  for (const [index, key] of keys.entries()) {
    const { status, failure } = outcomes[index] ?? {}
    const outcome = OUTCOMES.get(status ?? Status.FAILED) ?? `failed:${failure?.code}`
    const step = ledger.step(key) + 1
    ledger.acknowledge(key, step, outcome)
    tell('took', key, step, outcome)
  }
}

function stepOf(key: string, ledger: Ledger): Step {
  const number = ledger.step(key) + 1
  const kind = stepKind(key, number)
  const step = { opcode: OPCODES[kind], key }
  if (kind === 'delete' || kind === 'touch') return step
  if (kind === 'expire') return { ...step, expiry: 1 }
  return { ...step, text: JSON.stringify(makeVersion(key, number)) }
}
