import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Status } from '#dist/workers/protocol/index.js'
import { Ledger, newLedger } from '../races/journal-history.js'
import { JournalProcess } from '../races/journal-process.js'
import { versionOf } from '../races/versions.js'
import { skipWhere } from '../skip.js'
import { JournalDriver } from '../workers/files/journal/journal-driver.js'
import { scratchDirectory } from '../workers/files/scratch.js'
import { filesBelow } from '../workers/files/storage-driver.js'
import { ALL_CALLS, Fault, type FaultPlan, faultsMissing } from './fault.js'
import type { JournalScriptOptions } from './journal-script.js'

/*
 * The process is killed at its first system call that changes something, then at its second, and so on until a run gets
 * through: in appends, in checkpoints, in the closing, and in the reading back of what another one has left.
 */

const points = suite('a journal, killed at every system call')
const needsFaults = skipWhere(faultsMissing())

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = 4
/** Processes at once: one for each processor of a small machine. */
const LANES = 2

type Script = Omit<JournalScriptOptions, 'known'>

/** Runs the script until it is killed; whether it was. */
async function isKilled(ledger: Ledger, script: Script, fault: Fault, plan: FaultPlan): Promise<boolean> {
  fault.set(plan)
  const { signal, phase } = await new JournalProcess(
    ledger,
    '../faults/journal-script.js',
    script,
    fault.environment,
  ).end()
  fault.lift()
  if (signal === 'SIGKILL') return true
  assert.is(phase, script.leavesJournal ? 'ready' : 'closed')
  return false
}

/** What was acknowledged is there, before and after it is brought to files; creates are exclusive; nothing lies about. */
function assertRecovers(ledger: Ledger, { directory, fsync }: Script): void {
  const driver = new JournalDriver({ directory, fsync, orphanGrace: 0 })
  assert.equal(driver.replayed, [])
  const assertStored = (): void => {
    for (const key of ledger.keys) {
      const text = driver.load(key)
      ledger.found(key, text === undefined ? undefined : versionOf(key, JSON.parse(text)))
    }
  }
  assertStored()
  assert.equal(driver.checkpoint().failures, [])
  assert.equal(driver.segments, [])
  assertStored()
  assert.equal(driver.notices, [])
  driver.walk('sweep')
  const live = ledger.keys.filter((key) => ledger.state(key) !== undefined)
  assert.is(filesBelow(directory).length, live.length, filesBelow(directory).join())
  for (const key of ledger.keys) {
    const exists = ledger.state(key) !== undefined
    assert.is(driver.create(key, 'new'), exists ? Status.CONFLICT : Status.DONE)
  }
}

/** Kills at the nth call for every n, several processes at once; how many calls there are. */
async function killAtEach(
  body: (directory: string, fault: Fault, plan: FaultPlan) => Promise<boolean>,
  calls: FaultPlan['calls'],
  action: 'kill' | 'tear',
): Promise<number> {
  let next = 1
  let through = Number.POSITIVE_INFINITY
  const takeTurns = async (): Promise<void> => {
    const parent = scratchDirectory('memory')
    const fault = new Fault(parent)
    for (let first = next++; first < through; first = next++) {
      const directory = `${parent}/${first}`
      try {
        if (!(await body(directory, fault, { calls, action, first, count: 1 })))
          through = Math.min(through, first)
      } catch (error) {
        throw new Error(`${action} at call ${first} of ${calls.join()}: ${error}`, { cause: error })
      }
      rmSync(directory, { recursive: true })
    }
    fault.close()
  }
  await Promise.all(Array.from({ length: LANES }, takeTurns))
  return through - 1
}

for (const fsync of [false, true]) {
  const suffix = fsync ? ', with fsync' : ''
  const script = (directory: string): Script => ({ directory, fsync, rounds: ROUNDS, leavesJournal: false })

  const killedAtWork = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
    const ledger = newLedger(KEYS)
    const killed = await isKilled(ledger, script(directory), fault, plan)
    assertRecovers(ledger, script(directory))
    return killed
  }

  needsFaults(points, `appends, checkpoints and the closing${suffix}`, async () => {
    const kills = await killAtEach(killedAtWork, ALL_CALLS, 'kill')
    const torn = await killAtEach(killedAtWork, ['write'], 'tear')
    console.log(`${kills} calls, ${torn} writes torn`)
    assert.ok(kills > 50 && torn > 15, `${kills}, ${torn}`)
  })

  needsFaults(points, `the reading back of what another one has left${suffix}`, async () => {
    const left = scratchDirectory('memory')
    const ledger = newLedger(KEYS)
    const fault = new Fault(left)
    mkdirSync(`${left}/sessions`)
    // Killed in the middle of a checkpoint, when some sessions are in files and all of them in the journal.
    const options = script(`${left}/sessions`)
    const plan: FaultPlan = { calls: ['rename'], action: 'kill', first: 3 }
    assert.ok(await isKilled(ledger, options, fault, plan))
    const killedAtReading = async (directory: string, lane: Fault, plan: FaultPlan): Promise<boolean> => {
      cpSync(`${left}/sessions`, directory, { recursive: true, preserveTimestamps: true })
      const own = new Ledger(ledger.toJSON())
      const reading = { ...script(directory), rounds: 0 }
      const killed = await isKilled(own, reading, lane, plan)
      assertRecovers(own, reading)
      return killed
    }
    const kills = await killAtEach(killedAtReading, ALL_CALLS, 'kill')
    const torn = await killAtEach(killedAtReading, ['write'], 'tear')
    console.log(`${kills} calls, ${torn} writes torn`)
    assert.ok(kills > 10 && torn > 1, `${kills}, ${torn}`)
  })
}

points.run()
