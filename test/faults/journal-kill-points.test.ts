import { cpSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Ledger, newLedger } from '../races/journal-history.js'
import type { JournalChildOptions } from '../races/journal-reports.js'
import { skipWhere } from '../skip.js'
import { CHANGES, Fault, type FaultPlan, faultsMissing } from './fault.js'
import type { JournalScriptOptions } from './journal-script.js'
import { assertRecovers, isKilled, killAtEach, type Program } from './kill-points.js'

/*
 * The process is killed at its first system call that changes something, then at its second, and so on until a run gets
 * through: in appends, in checkpoints, in the closing, and in the reading back of what another one has left.
 *
 * The full run has all calls of the two halves that work on files, and every fourth of a whole engine, which takes longer to
 * start and makes the same calls. The usual one has every so manieth of both: others each time, and each way to append, to
 * write a checkpoint, to close and to read back in every run, for each makes more calls than a stride.
 */

const points = suite('a journal, killed at every system call')
const needsFaults = skipWhere(faultsMissing())

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = 4
const SCRIPT_STRIDE = budget({ usual: 16, full: 1 })
const ENGINE_STRIDE = budget({ usual: 80, full: 4 })
/** Others the next time. */
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31)

interface Variant {
  readonly fsync: boolean
  /** Sealed, with digests for keys. */
  readonly concealed: boolean
}

/** In few minutes, what is concealed has to stand for what is not: it takes the same calls. */
const VARIANTS: readonly Variant[] = FULL
  ? [false, true].flatMap((concealed) => [false, true].map((fsync) => ({ fsync, concealed })))
  : [
      { fsync: false, concealed: false },
      { fsync: true, concealed: true },
    ]

function script(directory: string, variant: Variant, rounds: number): Program {
  const options: Omit<JournalScriptOptions, 'known'> = { directory, ...variant, rounds }
  return { path: '../faults/journal-script.js', options }
}

function wholeEngine(directory: string, { fsync, concealed }: Variant, rounds: number): Program {
  const options: Omit<JournalChildOptions, 'known'> = {
    files: { directory, fsync, durability: 'journal', checkpointInterval: 600, hashNames: concealed },
    sealed: concealed,
    threads: 1,
    segmentBytes: 2 ** 14,
    flushEvery: 8,
    roundsInTurn: rounds,
  }
  return { path: './journal-child.js', options }
}

/** A journal of a process that was killed in a checkpoint: some sessions are in files, all of them in the journal. */
async function leftBehind(
  program: typeof script,
  variant: Variant,
): Promise<{ readonly directory: string; readonly ledger: Ledger }> {
  const parent = temporaryDirectory('memory')
  const directory = `${parent}/sessions`
  const ledger = newLedger(KEYS)
  const plan: FaultPlan = { calls: ['rename'], action: 'kill', path: '.tmp', first: 3 }
  assert.ok(await isKilled(ledger, program(directory, variant, ROUNDS), new Fault(parent), plan))
  return { directory, ledger }
}

for (const variant of VARIANTS) {
  const suffix = `${variant.fsync ? ', with fsync' : ''}${variant.concealed ? ', concealed' : ''}`

  for (const [name, program, stride, start] of [
    ['', script, SCRIPT_STRIDE, 1 + (SEED % SCRIPT_STRIDE)],
    ['a whole engine: ', wholeEngine, ENGINE_STRIDE, 1 + (SEED % ENGINE_STRIDE)],
  ] as const) {
    needsFaults(points, `${name}appends, checkpoints and the closing${suffix}`, async () => {
      const body = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
        const ledger = newLedger(KEYS)
        const killed = await isKilled(ledger, program(directory, variant, ROUNDS), fault, plan)
        assertRecovers(ledger, directory, variant)
        return killed
      }
      const kills = await killAtEach({ calls: CHANGES, action: 'kill', stride, start }, body)
      const torn = await killAtEach({ calls: ['write'], action: 'tear', stride, start }, body)
      console.log(`${kills} calls, ${torn} writes torn, every ${stride}, seed ${SEED}`)
      assert.ok(kills > 40 && torn > 10, `${kills}, ${torn}`)
    })

    needsFaults(points, `${name}the reading back of what another one has left${suffix}`, async () => {
      const left = await leftBehind(program, variant)
      const body = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
        cpSync(left.directory, directory, {
          recursive: true,
          preserveTimestamps: true,
          // A dead engine's sign of life: sockets cannot be copied.
          filter: (path) => !path.endsWith('.sock'),
        })
        const ledger = new Ledger(left.ledger.toJSON())
        const killed = await isKilled(ledger, program(directory, variant, 0), fault, plan)
        assertRecovers(ledger, directory, variant)
        return killed
      }
      const kills = await killAtEach({ calls: CHANGES, action: 'kill', stride, start }, body)
      const torn = await killAtEach({ calls: ['write'], action: 'tear', stride, start }, body)
      console.log(`${kills} calls, ${torn} writes torn, every ${stride}, seed ${SEED}`)
      assert.ok(kills > 5, `${kills}, ${torn}`)
    })
  }
}

points.run()
