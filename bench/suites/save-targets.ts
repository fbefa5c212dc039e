import type { EntryResults } from '../harness/interleave.js'
import type { Measure } from '../harness/results-table.js'
import { ratio, type Target } from '../harness/targets.js'

const rate: Measure = (round) => round.perSecond
const loop: Measure = (round) => round.loopMicroseconds

/** What a save has to reach on two processors. */
export function saveTargets(results: readonly EntryResults[]): Target[] {
  const at = (place: string): Target[] => [
    {
      name: `${place}, 2 threads: event loop, µs a save`,
      goal: { most: 5 },
      measured: ratio(results, loop, `coatcheck-2@${place}`),
    },
    {
      name: `${place}, 2 threads: event loop, ÷ connect-redis`,
      goal: { most: 1 / 3 },
      measured: ratio(results, loop, `coatcheck-2@${place}`, 'connect-redis'),
    },
    {
      name: `${place}, 2 threads: event loop, ÷ session-file-store`,
      goal: { most: 1 / 30 },
      measured: ratio(results, loop, `coatcheck-2@${place}`, `session-file-store@${place}`),
    },
  ]
  return [
    ...at('tmpfs'),
    {
      name: 'tmpfs, 2 threads: saves/s, ÷ session-file-store',
      goal: { least: 12 },
      measured: ratio(results, rate, 'coatcheck-2@tmpfs', 'session-file-store@tmpfs'),
    },
    {
      name: 'tmpfs, 2 threads: saves/s, ÷ connect-redis',
      goal: { least: 1 },
      measured: ratio(results, rate, 'coatcheck-2@tmpfs', 'connect-redis'),
    },
    {
      name: 'tmpfs, 1 thread: saves/s, ÷ raw system calls, 1 thread',
      goal: { least: 0.85 },
      measured: ratio(results, rate, 'coatcheck-1@tmpfs', 'raw-1@tmpfs'),
    },
    ...at('disk'),
    {
      name: 'disk, 2 threads: saves/s, ÷ raw system calls, 1 thread',
      goal: { least: 1.25 },
      measured: ratio(results, rate, 'coatcheck-2@disk', 'raw-1@disk'),
    },
    {
      name: 'disk, 2 threads: saves/s, ÷ session-file-store',
      goal: { least: 2.5 },
      measured: ratio(results, rate, 'coatcheck-2@disk', 'session-file-store@disk'),
    },
  ]
}
