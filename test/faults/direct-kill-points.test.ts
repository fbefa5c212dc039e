import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { crashChoice } from '../crash-seed.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { newLedger } from '../races/journal-history.js'
import { skipWhere } from '../skip.js'
import type { DirectScriptOptions } from './direct-script.js'
import { CHANGES, type Fault, type FaultPlan, faultsMissing } from './fault.js'
import { assertFilesRecover, isKilled, killAtEach, type Program, stopAtEach } from './kill-points.js'
import { assertResealCleared, assertResealRecovers, resealProgram, sealByOldKey } from './resealing.js'

/*
 * What is there at each system call that changes something, and in the middle of each write, is what a kill at that moment
 * leaves: the process stands still meanwhile, and a copy is looked at. At every so manieth of them, others each time, it is
 * killed indeed.
 */

const points = suite('files without a journal, killed at every system call')
const needsFaults = skipWhere(faultsMissing())

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = 8
/** Of real kills. */
const STRIDE = budget({ usual: 64, full: 4 })
const STRIDE_OF_RESEALS = budget({ usual: 24, full: 3 })

for (const fsync of [false, true]) {
  const title = `nothing acknowledged is lost, nothing torn, nothing back${fsync ? ', with fsync' : ''}`
  needsFaults(points, title, async () => {
    const program = (directory: string): Program => {
      const options: Omit<DirectScriptOptions, 'known'> = { directory, fsync, rounds: ROUNDS }
      return { path: '../faults/direct-script.js', options }
    }
    const stop = (action: 'pause' | 'pause torn'): Promise<number> => {
      const directory = `${temporaryDirectory('memory')}/sessions`
      const stopped = { ledger: newLedger(KEYS), program: program(directory), directory }
      const calls = action === 'pause' ? CHANGES : (['write'] as const)
      return stopAtEach({ calls, action }, stopped, (ledger, copy) => assertFilesRecover(ledger, copy, fsync))
    }
    const [stops, halves] = await Promise.all([stop('pause'), stop('pause torn')])
    const body = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
      const ledger = newLedger(KEYS)
      const killed = await isKilled(ledger, program(directory), fault, plan)
      assertFilesRecover(ledger, directory, fsync)
      return killed
    }
    const from = { stride: STRIDE, start: 1 + crashChoice(title, STRIDE) }
    const kills = await killAtEach({ calls: CHANGES, action: 'kill', ...from }, body)
    const torn = await killAtEach({ calls: ['write'], action: 'tear', ...from }, body)
    console.log(`${stops} calls, ${halves} writes; killed at every ${STRIDE} of them`)
    assert.ok(stops > 100 && halves > 10, `${stops}, ${halves}`)
    assert.ok(Math.abs(kills - stops) <= STRIDE && Math.abs(torn - halves) <= STRIDE, `${kills}, ${torn}`)
  })
}

/** Who comes first after a crash in the midst of sealing anew, in turn. */
const FIRST_AFTER = ['loads', 'sweep', 'clear'] as const
const settings = [false, true].flatMap((fsync) => [false, true].map((exclusive) => ({ fsync, exclusive })))
for (const [index, kind] of settings.entries()) {
  if (!FULL && index !== crashChoice('setting', settings.length)) continue
  const { fsync, exclusive } = kind
  const where = `${exclusive ? ', behind a journal' : ''}${fsync ? ', with fsync' : ''}`
  needsFaults(points, `nothing is lost while sessions are sealed anew${where}`, async () => {
    let looks = 0
    const stop = (action: 'pause' | 'pause torn'): Promise<number> => {
      const setting = { ...kind, directory: `${temporaryDirectory('memory')}/sessions` }
      sealByOldKey(setting)
      const stopped = {
        ledger: newLedger([]),
        program: resealProgram(setting),
        directory: setting.directory,
      }
      const calls = action === 'pause' ? CHANGES : (['write'] as const)
      return stopAtEach({ calls, action }, stopped, (_, directory) => {
        const first = FIRST_AFTER[looks++ % FIRST_AFTER.length]
        if (first === 'clear') assertResealCleared({ ...kind, directory })
        else assertResealRecovers({ ...kind, directory }, first ?? 'loads')
      })
    }
    const [stops, halves] = [await stop('pause'), await stop('pause torn')]
    const body = async (directory: string, fault: Fault, plan: FaultPlan): Promise<boolean> => {
      const setting = { ...kind, directory }
      sealByOldKey(setting)
      const killed = await isKilled(newLedger([]), resealProgram(setting), fault, plan)
      assertResealRecovers(setting, 'loads')
      return killed
    }
    const from = { stride: STRIDE_OF_RESEALS, start: 1 + crashChoice('reseal', STRIDE_OF_RESEALS) }
    const kills = await killAtEach({ calls: CHANGES, action: 'kill', ...from }, body)
    console.log(`${stops} calls, ${halves} writes; killed at every ${STRIDE_OF_RESEALS} of them`)
    assert.ok(stops > 20 && halves === 4, `${stops}, ${halves}`)
    assert.ok(Math.abs(kills - stops) <= STRIDE_OF_RESEALS, `${kills}`)
  })
}

points.run()
