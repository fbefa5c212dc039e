import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { CRASH_SEED } from '../crash-seed.js'
import type { DirectScriptOptions } from '../faults/direct-script.js'
import { assertFound, storedVersion, sweepClean } from '../faults/kill-points.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { filesBelow, StorageDriver } from '../workers/files/storage-driver.js'
import { type Ledger, newLedger } from './journal-history.js'
import { JournalProcess } from './journal-process.js'
import type { JournalChildOptions } from './journal-reports.js'
import { randomNumbers } from './random.js'

/*
 * Several writers without a journal at work in one directory, each on keys of its own, all of them killed at random moments. What
 * each was acknowledged is there in its very version, what was deleted stays deleted, nothing is torn, and the next sweep
 * takes away what they leave. `CRASH_SEED` repeats the choices of an earlier run.
 */

const killing = suite('engines without a journal, killed at random moments')

/** Together with those of journal-killed.test.ts, a thousand. */
const KILLS = budget({ usual: 12, full: 660 })
const WRITERS = 3
const KEYS = 12

type Random = (bound: number) => number

/** A whole engine, or what its workers do in one thread, which starts much faster. */
function writer(ledger: Ledger, whole: boolean, directory: string, fsync: boolean, random: Random) {
  if (!whole) {
    const options: Omit<DirectScriptOptions, 'known'> = { directory, fsync, layout: 'flat', rounds: 1e9 }
    return new JournalProcess(ledger, '../faults/direct-script.js', options)
  }
  const options: Omit<JournalChildOptions, 'known'> = {
    files: { directory, fsync, layout: 'flat' },
    threads: 1 + random(2),
    segmentBytes: 2 ** 20,
  }
  return new JournalProcess(ledger, './journal-child.js', options)
}

/** One life of a writer; how many steps it took. */
async function live(process: JournalProcess, random: Random): Promise<number> {
  if (random(8) === 0) await process.reached('opening')
  else await process.took(1 + random(400))
  const { signal, steps, complaints, failed } = await process.kill()
  assert.is(signal, 'SIGKILL')
  assert.equal(complaints, [])
  assert.equal(failed, {})
  return steps
}

function assertStored(ledgers: readonly Ledger[], directory: string, fsync: boolean): number {
  const driver = new StorageDriver({ directory, fsync, layout: 'flat', orphanGrace: 0 })
  for (const ledger of ledgers) assertFound(ledger, driver)
  const orphans = sweepClean(driver)
  const live = ledgers.flatMap((ledger) => ledger.keys.filter((key) => ledger.state(key) !== undefined))
  assert.is(filesBelow(directory).length, live.length)
  // Nothing that was not there a moment ago has come up.
  for (const ledger of ledgers)
    for (const key of ledger.keys) assert.is(storedVersion(driver, key), ledger.state(key), key)
  assert.equal(driver.notices, [])
  return orphans
}

for (const fsync of [false, true]) {
  killing(
    `lose nothing acknowledged, tear nothing, bring nothing back${fsync ? ', with fsync' : ''}`,
    async () => {
      const random = randomNumbers(CRASH_SEED + Number(fsync))
      const directory = temporaryDirectory(fsync ? 'disk' : 'memory')
      const ledgers = Array.from({ length: WRITERS }, (_, writer) =>
        newLedger(Array.from({ length: KEYS }, (_, key) => `writer-${writer}-session-${key}`)),
      )
      let kills = 0
      let steps = 0
      let orphans = 0
      try {
        for (; kills < KILLS / 2; kills += WRITERS) {
          const lives = await Promise.all(
            ledgers.map((ledger, index) =>
              live(writer(ledger, index === 0, directory, fsync, random), random),
            ),
          )
          for (const count of lives) steps += count
          orphans += assertStored(ledgers, directory, fsync)
        }
      } catch (error) {
        throw new Error(`after ${kills} kills, with CRASH_SEED=${CRASH_SEED}: ${error}`, { cause: error })
      }
      console.log(`${kills} kills, ${steps} steps acknowledged, ${orphans} orphans swept`)
      assert.ok(steps > kills, 'there was something to lose')
    },
  )
}

killing.run()
