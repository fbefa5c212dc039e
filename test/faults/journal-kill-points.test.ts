import { cpSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { crashChoice } from '../crash-seed.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { Ledger, newLedger } from '../races/journal-history.js'
import type { JournalChildOptions } from '../races/journal-reports.js'
import { skipWhere } from '../skip.js'
import { CHANGES, Fault, type FaultPlan, faultsMissing } from './fault.js'
import type { JournalScriptOptions } from './journal-script.js'
import { assertRecovers, isKilled, killAtEach, type Program, stopAtEach } from './kill-points.js'

/*
 * A kill at each system call that changes something, and in the middle of each write: in appends, in checkpoints, in the
 * closing, and in the reading back of what another one has left.
 *
 * Of the two halves that work on files, which are one thread, what a kill would leave is looked at in a copy while the process
 * stands still. They, and a whole engine, are killed indeed at every so manieth call, others each time.
 */

const points = suite('a journal, killed at every system call')
const needsFaults = skipWhere(faultsMissing())

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = 4
/** Of real kills. */
const SCRIPT_STRIDE = budget({ usual: 64, full: 8 })
const ENGINE_STRIDE = budget({ usual: 80, full: 16 })

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
  using fault = new Fault(parent)
  assert.ok(await isKilled(ledger, program(directory, variant, ROUNDS), fault, plan))
  return { directory, ledger }
}

/** What is at the bottom of `from` goes to `to`, but for a dead engine's sign of life: sockets cannot be copied. */
function copyJournal(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => !path.endsWith('.sock') })
}

/** How many calls and how many writes a run makes, at each of which what a kill would leave is what it has to be. */
async function stopEverywhere(
  variant: Variant,
  rounds: number,
  prepare: (directory: string) => Ledger,
): Promise<[calls: number, writes: number]> {
  const stop = (action: 'pause' | 'pause torn'): Promise<number> => {
    const directory = `${temporaryDirectory('memory')}/sessions`
    const ledger = prepare(directory)
    const calls = action === 'pause' ? CHANGES : (['write'] as const)
    const stopped = { ledger, program: script(directory, variant, rounds), directory }
    return stopAtEach({ calls, action }, stopped, (known, copy) => assertRecovers(known, copy, variant))
  }
  return Promise.all([stop('pause'), stop('pause torn')])
}

for (const variant of VARIANTS) {
  const suffix = `${variant.fsync ? ', with fsync' : ''}${variant.concealed ? ', concealed' : ''}`

  needsFaults(points, `appends, checkpoints and the closing, stopped at each call${suffix}`, async () => {
    const [calls, writes] = await stopEverywhere(variant, ROUNDS, () => newLedger(KEYS))
    console.log(`${calls} calls, ${writes} writes`)
    assert.ok(calls > 40 && writes > 10, `${calls}, ${writes}`)
  })

  needsFaults(
    points,
    `the reading back of what another one has left, stopped at each call${suffix}`,
    async () => {
      const left = await leftBehind(script, variant)
      const [calls, writes] = await stopEverywhere(variant, 0, (directory) => {
        copyJournal(left.directory, directory)
        return new Ledger(left.ledger.toJSON())
      })
      console.log(`${calls} calls, ${writes} writes`)
      assert.ok(calls > 10, `${calls}, ${writes}`)
    },
  )

  // In few minutes, one of them is killed indeed.
  if (!FULL && VARIANTS.indexOf(variant) !== crashChoice('variant', VARIANTS.length)) continue

  for (const [name, program, stride, start] of [
    ['killed: ', script, SCRIPT_STRIDE, 1 + crashChoice('script', SCRIPT_STRIDE)],
    ['a whole engine, killed: ', wholeEngine, ENGINE_STRIDE, 1 + crashChoice('engine', ENGINE_STRIDE)],
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
      console.log(`${kills} calls, ${torn} writes torn, every ${stride}`)
      assert.ok(kills > 40 && torn > 10, `${kills}, ${torn}`)
    })

    needsFaults(points, `${name}the reading back of what another one has left${suffix}`, async () => {
      const left = await leftBehind(program, variant)
      const body = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
        copyJournal(left.directory, directory)
        const ledger = new Ledger(left.ledger.toJSON())
        const killed = await isKilled(ledger, program(directory, variant, 0), fault, plan)
        assertRecovers(ledger, directory, variant)
        return killed
      }
      const kills = await killAtEach({ calls: CHANGES, action: 'kill', stride, start }, body)
      const torn = await killAtEach({ calls: ['write'], action: 'tear', stride, start }, body)
      console.log(`${kills} calls, ${torn} writes torn, every ${stride}`)
      assert.ok(kills > 5, `${kills}, ${torn}`)
    })
  }
}

points.run()
