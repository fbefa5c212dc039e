import { cleaningUp } from './harness/cleanup.js'
import { interleave } from './harness/interleave.js'
import { describeMachine } from './harness/machine.js'
import { findPlaces } from './harness/places.js'
import { Progress } from './harness/progress.js'
import { type Reading, ratio } from './harness/ratio.js'
import { type Target, verdict } from './results/target.js'
import { targetsTable } from './results/targets-table.js'
import { storeEntries } from './sections/store-entries.js'
import { coatcheckStore } from './stores/coatcheck-stores.js'
import { MEMORY_STORE, rawCalls, SESSION_FILE_STORE } from './stores/peer-stores.js'
import { HOT_SAVES } from './workloads/workload.js'

const SETTINGS = { rounds: 5, seconds: 0.4, leadIn: 0.1, warmUp: 1.5, callers: 256 }

/**
 * A few ratios against what cannot have become slower. Their limits lie far below what is measured, so that no noise reaches
 * them: whoever misses one has lost half of his speed.
 *
 * @returns whether all are within their limits
 */
export function guard(): Promise<boolean> {
  return cleaningUp(async (cleanup) => {
    const places = findPlaces(undefined, cleanup)
    const place = places.tmpfs ?? places.disk
    const stores = [
      rawCalls(1),
      coatcheckStore({ durability: 'direct', threads: 1 }),
      coatcheckStore({ durability: 'journal' }),
      SESSION_FILE_STORE,
      MEMORY_STORE,
    ]
    const entries = storeEntries(stores, { places, place, workload: HOT_SAVES })
    const progress = new Progress(entries.length * (SETTINGS.rounds + 1))
    cleanup.add(() => progress.end())
    const results = await interleave(entries, SETTINGS, { cleanup, progress, speeds: [] })
    progress.end()
    const rate: Reading = (round) => round.perSecond
    const loop: Reading = (round) => round.loopMicroseconds
    const on = (name: string): string => `${name}@${place.name}`
    const targets: Target[] = [
      {
        name: 'direct, 1 thread: saves/s, ÷ raw system calls',
        goal: { least: 0.3 },
        measured: ratio(results, rate, on('direct-1'), on('raw-1')),
      },
      {
        name: 'direct, 1 thread: event loop, ÷ session-file-store',
        goal: { most: 0.2 },
        measured: ratio(results, loop, on('direct-1'), on('session-file-store')),
      },
      {
        name: 'journal: saves/s, ÷ direct, 1 thread',
        goal: { least: 1.3 },
        measured: ratio(results, rate, on('journal'), on('direct-1')),
      },
      {
        name: 'journal: event loop, ÷ MemoryStore',
        goal: { most: 4 },
        measured: ratio(results, loop, on('journal'), 'memory-store'),
      },
    ]
    console.log(describeMachine())
    console.log(targetsTable(targets))
    return targets.every((target) => verdict(target) === 'ok')
  })
}
