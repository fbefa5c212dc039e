import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget } from '../budget.js'
import { newLedger } from '../races/journal-history.js'
import { skipWhere } from '../skip.js'
import type { DirectScriptOptions } from './direct-script.js'
import { CHANGES, type Fault, type FaultPlan, faultsMissing } from './fault.js'
import { assertFilesRecover, isKilled, killAtEach } from './kill-points.js'

/*
 * The process is killed at its first system call that changes something, then at its second, and so on until a run gets
 * through; and in the middle of each of its writes. The usual run has every so manieth of them, others each time.
 */

const points = suite('files without a journal, killed at every system call')
const needsFaults = skipWhere(faultsMissing())

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = 8
const STRIDE = budget({ usual: 16, full: 1 })
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31)

for (const fsync of [false, true]) {
  const title = `nothing acknowledged is lost, nothing torn, nothing back${fsync ? ', with fsync' : ''}`
  needsFaults(points, title, async () => {
    const body = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
      const ledger = newLedger(KEYS)
      const options: Omit<DirectScriptOptions, 'known'> = { directory, fsync, rounds: ROUNDS }
      const killed = await isKilled(ledger, { path: '../faults/direct-script.js', options }, fault, plan)
      assertFilesRecover(ledger, directory, fsync)
      return killed
    }
    const from = { stride: STRIDE, start: 1 + (SEED % STRIDE) }
    const kills = await killAtEach({ calls: CHANGES, action: 'kill', ...from }, body)
    const torn = await killAtEach({ calls: ['write'], action: 'tear', ...from }, body)
    console.log(`${kills} calls, ${torn} writes torn, every ${STRIDE}, seed ${SEED}`)
    assert.ok(kills > 100 && torn > 10, `${kills}, ${torn}`)
  })
}

points.run()
