import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import * as assert from 'uvu/assert'
import { Status } from '#dist/workers/protocol/index.js'
import { budget } from '../budget.js'
import { crashChoice } from '../crash-seed.js'
import { later } from '../fixtures/later.js'
import { litterOrAsideIn } from '../fixtures/litter.js'
import { concealed } from '../fixtures/sealed-storage.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Ledger } from '../races/journal-history.js'
import { JournalProcess } from '../races/journal-process.js'
import { versionOf } from '../races/versions.js'
import { JournalDriver } from '../workers/files/journal/journal-driver.js'
import { filesBelow, StorageDriver } from '../workers/files/storage-driver.js'
import { Fault, type FaultPlan } from './fault.js'

/** Processes at once: one for each processor of a small machine. */
const LANES = 2

/** A program that reports what it does; see journal-process.ts. */
export interface Program {
  readonly path: string
  readonly options: object
}

/** Runs a program until it is killed by its fault, or closes; whether it was killed. */
export async function isKilled(
  ledger: Ledger,
  { path, options }: Program,
  fault: Fault,
  plan: FaultPlan,
): Promise<boolean> {
  fault.set(plan)
  const { signal, phase, complaints, failed } = await new JournalProcess(ledger, path, options, {
    environment: fault.environment,
  }).end()
  fault.lift()
  assert.equal(complaints, [])
  assert.equal(failed, {})
  if (signal === 'SIGKILL') return true
  assert.is(phase, 'closed')
  return false
}

/** When every claim is taken for left behind. */
export const CLAIMS_END = 1000

/** What was acknowledged is there, before and after it is brought to files; creates are exclusive; nothing lies about. */
export function assertRecovers(
  ledger: Ledger,
  directory: string,
  how: { readonly fsync: boolean; readonly concealed: boolean },
): void {
  later(CLAIMS_END, () => assertJournalRecovers(ledger, directory, how))
}

function assertJournalRecovers(
  ledger: Ledger,
  directory: string,
  { fsync, concealed: isConcealed }: { readonly fsync: boolean; readonly concealed: boolean },
): void {
  if (!existsSync(directory)) return assert.ok(ledger.keys.every((key) => ledger.step(key) === 0))
  using driver = new JournalDriver({ directory, fsync, orphanGrace: 0, ...concealed(isConcealed) })
  assert.equal(driver.replayed, [])
  assertFound(ledger, driver)
  assert.equal(driver.checkpoint().failures, [])
  assert.equal(driver.segments, [])
  // Nothing that was not there a moment ago has come up.
  for (const key of ledger.keys) assert.is(storedVersion(driver, key), ledger.state(key), key)
  assert.equal(driver.notices, [])
  driver.walk('sweep')
  const live = ledger.keys.filter((key) => ledger.state(key) !== undefined)
  const left = filesBelow(directory).filter((name) => !name.startsWith('.journal'))
  assert.is(left.length, live.length, left.join())
  const others = readdirSync(driver.journalDirectory).filter((name) => !name.endsWith('.sock'))
  assert.equal(others, [])
  for (const key of ledger.keys) {
    const exists = ledger.state(key) !== undefined
    assert.is(driver.create(key, 'new'), exists ? Status.CONFLICT : Status.DONE)
  }
}

/** The same for files without a journal. */
export function assertFilesRecover(ledger: Ledger, directory: string, fsync: boolean): void {
  later(CLAIMS_END, () => assertFilesAreThere(ledger, directory, fsync))
}

function assertFilesAreThere(ledger: Ledger, directory: string, fsync: boolean): void {
  if (!existsSync(directory)) return assert.ok(ledger.keys.every((key) => ledger.step(key) === 0))
  const driver = new StorageDriver({ directory, fsync, orphanGrace: 0 })
  assertFound(ledger, driver)
  sweepClean(driver)
  // Nothing that was not there a moment ago has come up.
  for (const key of ledger.keys) assert.is(storedVersion(driver, key), ledger.state(key), key)
  const live = ledger.keys.filter((key) => ledger.state(key) !== undefined)
  assert.is(filesBelow(directory).length, live.length, filesBelow(directory).join())
  assert.equal(driver.notices, [])
  for (const key of ledger.keys) {
    const exists = ledger.state(key) !== undefined
    assert.is(driver.create(key, 'new'), exists ? Status.CONFLICT : Status.DONE)
  }
}

/** Enters what is stored into a ledger. */
export function assertFound(ledger: Ledger, driver: StorageDriver): void {
  for (const key of ledger.keys) ledger.found(key, storedVersion(driver, key))
}

/** The version of a session that is whole. */
export function storedVersion(driver: StorageDriver, key: string): number | undefined {
  const text = driver.load(key)
  return text === undefined ? undefined : versionOf(key, JSON.parse(text))
}

/** Sweeps what a crash has left, as soon as it is old enough; all of it has to go. Returns how much it was. */
export function sweepClean(driver: StorageDriver): number {
  const { orphans } = later(CLAIMS_END, () => driver.walk('sweep'))
  const litter = litterOrAsideIn(filesBelow(driver.options.directory))
  assert.equal(litter, [], 'the sweep takes everything away')
  return orphans
}

/** A program that is to be stopped in front of its calls, and what it finds. */
export interface Stopped {
  readonly ledger: Ledger
  readonly program: Program
  readonly directory: string
}

/** Every so manieth stop is looked at, others each time. */
const EVERY = budget({ usual: 4, full: 1 })
const FIRST_LOOK = crashChoice('first look', EVERY)

/**
 * Stops a program in front of each of its calls, or in the middle of each write, and looks at a copy of what is there: just what
 * a kill at that moment would leave of a program with one thread, for a hundredth of what it costs to start another one.
 *
 * @param check Is given a ledger of its own.
 * @returns how many calls there are
 */
export async function stopAtEach(
  { calls, action }: Pick<FaultPlan, 'calls'> & { readonly action: 'pause' | 'pause torn' },
  { ledger, program, directory }: Stopped,
  check: (ledger: Ledger, directory: string) => void,
): Promise<number> {
  const fault = new Fault(directory)
  const copy = `${directory}-copy`
  let stops = 0
  const onPause = (): void => {
    stops++
    if (stops % EVERY !== FIRST_LOOK) return
    if (existsSync(directory)) copyWhatIsThere(directory, copy)
    try {
      check(new Ledger(ledger.toJSON()), copy)
    } catch (error) {
      throw new Error(`${action} at call ${stops}: ${error}`, { cause: error })
    }
    rmSync(copy, { recursive: true, force: true })
  }
  fault.set({ calls, action })
  try {
    const options = { environment: fault.environment, onPause }
    const { phase, complaints, failed } = await new JournalProcess(
      ledger,
      program.path,
      program.options,
      options,
    ).end()
    assert.equal(complaints, [])
    assert.equal(failed, {})
    assert.is(phase, 'closed')
    assert.is(fault.fired, stops)
  } finally {
    fault.close()
  }
  return stops
}

/** Names of one file stay names of one file; a sign of life, a socket, is left out. */
function copyWhatIsThere(from: string, to: string, copied = new Map<number, string>()): void {
  mkdirSync(to)
  // By which a tombstone is told.
  chmodSync(to, lstatSync(from).mode)
  for (const name of readdirSync(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`]
    const stats = lstatSync(source)
    const same = copied.get(stats.ino)
    if (stats.isDirectory()) copyWhatIsThere(source, target, copied)
    else if (same !== undefined) linkSync(same, target)
    else if (stats.isFile()) {
      copyFileSync(source, target)
      utimesSync(target, stats.atime, stats.mtime)
      copied.set(stats.ino, target)
    }
  }
}

/** What is to be killed: at the first call that counts, or some later one, and every `stride` calls from there. */
export interface Sweep {
  readonly calls: FaultPlan['calls']
  readonly action: 'kill' | 'tear'
  readonly start?: number
  readonly stride?: number
}

/**
 * Kills at one call after the other, several processes at once, until one gets through, or fails. The body tells whether its
 * process was killed.
 * @returns how many calls there are, more or less `stride`
 */
export async function killAtEach(
  { calls, action, start = 1, stride = 1 }: Sweep,
  body: (directory: string, fault: Fault, plan: FaultPlan) => Promise<boolean>,
): Promise<number> {
  let next = start
  let through = Number.POSITIVE_INFINITY
  const takeTurns = async (): Promise<void> => {
    const parent = temporaryDirectory('memory')
    using fault = new Fault(parent)
    for (; next < through; ) {
      const first = next
      next += stride
      const directory = `${parent}/${first}`
      try {
        if (!(await body(directory, fault, { calls, action, first, count: 1 }))) {
          through = Math.min(through, first)
        }
      } catch (error) {
        // The others need not go on.
        through = 0
        throw new Error(`${action} at call ${first}: ${error}`, { cause: error })
      }
      rmSync(directory, { recursive: true, force: true })
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, takeTurns))
  const errors = lanes.flatMap((lane) => (lane.status === 'rejected' ? [lane.reason as Error] : []))
  if (errors.length > 1) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'))
  for (const error of errors) throw error
  return through - 1
}
