import { existsSync, readdirSync } from 'node:fs'
import { files, json, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { CRASH_SEED } from '../crash-seed.js'
import { sealedStorage } from '../fixtures/sealed-storage.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { type Ledger, newLedger } from './journal-history.js'
import { type Ending, JournalProcess } from './journal-process.js'
import type { JournalChildOptions } from './journal-reports.js'
import { randomNumbers } from './random.js'
import { versionOf } from './versions.js'

/*
 * `CRASH_SEED` repeats the choices of an earlier run. What the processes make of them depends on the moment, so the same seed
 * need not find the same again.
 *
 * The usual run has both directories, fsync and none, several lives on end in each, so that one has something to read back from
 * the one before, and moments of every kind, chosen anew each time; only rare meetings of two choices are left to the full one.
 */

const killing = suite('an engine with a journal, killed at random moments')

/** Together with those of direct-killed.test.ts, a thousand. */
const ROUNDS = budget({ usual: 16, full: 340 })
const KEYS = Array.from({ length: 40 }, (_, index) => `session-${index}`)
/** Directories; each goes through its share of the kills, so that what one left is there when the next one comes. */
const DIRECTORIES = budget({ usual: 2, full: 4 })

type Random = (bound: number) => number

/** Where engines live and die. */
interface Place {
  readonly directory: string
  /** Sealed, with hashed names. */
  readonly concealed: boolean
}

/** Lets so many turns of the event loop go by. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

/** One life of an engine, from its opening to the moment at which it is killed. */
async function live(
  ledger: Ledger,
  { directory, concealed }: Place,
  round: number,
  random: Random,
): Promise<Ending> {
  const fsync = round % 2 === 0
  const direct = random(8) === 0
  const moment = random(8)
  const closeAfter = moment === 7 ? 1 + random(600) : undefined
  const options: Omit<JournalChildOptions, 'known'> = {
    files: direct
      ? { directory, fsync, hashNames: concealed }
      : {
          directory,
          fsync,
          hashNames: concealed,
          durability: 'journal',
          // Now and then none, so that the next engine has more to read back.
          checkpointInterval: random(4) === 0 ? 600 : 0.02,
          journalBytes: 2 ** 20,
        },
    sealed: concealed,
    threads: random(4) === 0 ? 2 : 1,
    segmentBytes: 2 ** (14 + random(6)),
    flushEvery: direct || random(2) === 0 ? undefined : 50 + random(200),
    closeAfter,
  }
  const process = new JournalProcess(ledger, './journal-child.js', options)
  if (moment < 3) {
    // While it reads back what the one before it has left, or just after.
    await process.reached('opening')
    if (moment < 2) await turns(random(300))
    else await process.reported(2 + random(KEYS.length))
  } else if (closeAfter !== undefined) {
    await process.reached('closing')
    await turns(random(200))
  } else await process.took(1 + random(moment < 5 ? 300 : 1500))
  const ending = await process.kill()
  // Only one that closes may have ended before.
  if (closeAfter === undefined) assert.is(ending.signal, 'SIGKILL')
  return ending
}

async function assertStored(ledger: Ledger, { directory, concealed }: Place): Promise<void> {
  const plain = files({ directory, hashNames: concealed })
  const storage = concealed ? sealedStorage(plain) : plain
  const engine = new SessionEngine({ storage, codec: json(), sweepInterval: false })
  for (const key of KEYS) {
    const session = await engine.load(key)
    ledger.found(key, session === undefined ? undefined : versionOf(key, session))
  }
  await engine.close()
  const journal = `${directory}/.journal`
  assert.equal(existsSync(journal) ? readdirSync(journal) : undefined, undefined, 'the journal is gone')
}

async function killAgainAndAgain(lane: number, phases: Map<string, number>): Promise<number> {
  const random = randomNumbers(CRASH_SEED + lane)
  // A kill takes nothing away that the kernel has, whatever it has it for.
  const place = {
    directory: temporaryDirectory(lane % 3 === 0 ? 'disk' : 'memory'),
    concealed: lane % 2 === 1,
  }
  const ledger = newLedger(KEYS)
  let steps = 0
  for (let round = lane; round < ROUNDS; round += DIRECTORIES) {
    try {
      const ending = await live(ledger, place, Math.floor(round / DIRECTORIES), random)
      assert.equal(ending.complaints, [])
      assert.equal(ending.failed, {})
      phases.set(ending.phase, (phases.get(ending.phase) ?? 0) + 1)
      steps += ending.steps
    } catch (error) {
      throw new Error(`in round ${round}, with CRASH_SEED=${CRASH_SEED}: ${error}`, { cause: error })
    }
  }
  await assertStored(ledger, place)
  return steps
}

killing('loses nothing acknowledged, tears nothing, and brings nothing back', async () => {
  const phases = new Map<string, number>()
  const lanes = Array.from({ length: DIRECTORIES }, (_, lane) => killAgainAndAgain(lane, phases))
  const steps = (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0)
  const told = [...phases].map(([phase, count]) => `${count} ${phase}`).join(', ')
  const kills = [...phases.values()].reduce((sum, count) => sum + count, 0)
  console.log(`${kills} kills (${told}), ${steps} steps acknowledged`)
  assert.ok(steps > kills, 'there was something to lose')
})

killing.run()
