import { writeSync } from 'node:fs'
import {
  CreateError,
  files,
  json,
  SessionEngine,
  type StorageDescription,
  StorageError,
  UpdateError,
} from 'coatcheck'
import { sealedStorage } from '../fixtures/sealed-storage.js'
import { Ledger, stepKind } from './journal-history.js'
import { type JournalChildOptions, REPORTS } from './journal-reports.js'
import { makeVersion, versionOf } from './versions.js'

/*
 * An engine under load: for each key a caller that takes step after step, until the process is killed or told to close.
 * What is acknowledged is told before the next step of its key, by a write that is done when it returns: the kernel
 * keeps it, whatever becomes of this process.
 */

function tell(...words: readonly unknown[]): void {
  writeSync(REPORTS, `${words.join(' ')}\n`)
}

function withSegments(storage: StorageDescription, segmentBytes: number): StorageDescription {
  const { journal } = storage
  if (journal === undefined) return storage
  return { ...storage, journal: { ...journal, options: { ...(journal.options as object), segmentBytes } } }
}

const options = JSON.parse(process.argv[2] ?? '') as JournalChildOptions
const ledger = new Ledger(options.known)
const plain = files(options.files)
const engine = new SessionEngine({
  storage: withSegments(options.sealed === true ? sealedStorage(plain) : plain, options.segmentBytes),
  codec: json(),
  threads: options.threads,
  sweepInterval: false,
})
let steps = 0
let stopped = false

async function take(key: string, step: number): Promise<string> {
  try {
    switch (stepKind(key, step)) {
      case 'save':
        await engine.save(key, makeVersion(key, step))
        return 'done'
      case 'update':
        await engine.update(key, makeVersion(key, step))
        return 'done'
      case 'create':
        await engine.create(key, makeVersion(key, step))
        return 'done'
      case 'delete':
        await engine.delete(key)
        return 'done'
      case 'touch':
        return (await engine.touch(key)) ? 'done' : 'missing'
      case 'expire':
        return (await engine.touch(key, { expires: new Date(1) })) ? 'done' : 'missing'
    }
  } catch (error) {
    if (error instanceof CreateError) return 'exists'
    if (error instanceof UpdateError) return 'missing'
    return error instanceof StorageError ? `failed:${error.errno}` : `failed:${error}`
  }
}

/** Whether the engine has said what became of the step. */
async function report(key: string, step: number): Promise<boolean> {
  const outcome = await take(key, step)
  tell('took', key, step, outcome)
  if (outcome.startsWith('failed')) return false
  steps++
  if (options.flushEvery !== undefined && steps % options.flushEvery === 0) {
    await engine.flush({ files: true })
  }
  return true
}

/** Takes step after step; after one that failed nobody knows what is stored, so it is the last. */
async function call(key: string): Promise<void> {
  for (let step = ledger.step(key) + 1; !stopped && (await report(key, step)); step++) {
    if (steps >= (options.closeAfter ?? Number.POSITIVE_INFINITY)) stopped = true
  }
}

/** The same steps in the same order every time. */
async function takeInTurn(rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    for (const key of ledger.keys) await report(key, ledger.step(key) + round)
  }
}

process.once('disconnect', () => process.exit(0))
engine.on('recovery', ({ done }) => tell('recovery', done))
engine.on('corrupt', ({ reason }) => tell('corrupt', reason))
engine.on('error', (error) => tell('error', error.message))

tell('opening')
await engine.ready()
tell('open')
await Promise.all(
  ledger.keys.map(async (key) => {
    const session = await engine.load(key)
    const version = session === undefined ? undefined : versionOf(key, session)
    tell('found', key, version ?? '-')
    ledger.found(key, version)
  }),
)
tell('ready')
if (options.roundsInTurn === undefined) await Promise.all(ledger.keys.map(call))
else await takeInTurn(options.roundsInTurn)
tell('closing')
try {
  await engine.close()
  tell('closed')
} catch (error) {
  tell('error', error)
}
process.disconnect()
