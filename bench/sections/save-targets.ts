import type { EntryResults } from '../harness/interleave.js'
import type { Target } from '../results/target.js'
import { targetsOf } from './targets-of.js'

/** What a save has to reach on two processors. */
export function saveTargets(results: readonly EntryResults[]): Target[] {
  const rate = targetsOf(results, { what: 'saves/s', reading: (round) => round.perSecond })
  const loop = targetsOf(results, {
    what: 'event loop',
    unit: ', µs a save',
    reading: (round) => round.loopMicroseconds,
  })
  const least = (goal: number, id: string, toId?: string): Target => rate({ least: goal }, id, toId)
  const most = (goal: number, id: string, toId?: string): Target => loop({ most: goal }, id, toId)
  return [
    ...['direct-1@tmpfs', 'direct-2@tmpfs', 'direct-2@disk', 'journal@disk', 'journal-fsync@disk'].flatMap(
      (id) => [most(3, id), most(1, id, id.includes('fsync') ? 'lmdb@disk' : 'lmdb-nosync@disk')],
    ),
    least(0.9, 'direct-1@tmpfs', 'raw-1@tmpfs'),
    least(0.9, 'direct-2@tmpfs', 'raw-2@tmpfs'),
    least(0.9, 'direct-1@disk', 'raw-1@disk'),
    least(0.9, 'direct-2@disk', 'raw-2@disk'),
    least(250_000, 'journal-fsync@disk'),
    least(2.5, 'journal-fsync@disk', 'lmdb@disk'),
    least(1.5, 'journal@disk', 'lmdb-nosync@disk'),
    least(3, 'journal-fsync@disk', 'connect-redis'),
    least(50, 'journal-fsync@disk', 'session-file-store@disk'),
    least(2.5, 'direct-2@disk', 'session-file-store@disk'),
    least(12, 'direct-2@tmpfs', 'session-file-store@tmpfs'),
    least(1.1, 'redis', 'connect-redis'),
    most(1 / 4, 'redis', 'connect-redis'),
    least(1, 'direct-2@tmpfs', 'connect-redis'),
    most(1 / 3, 'direct-2@tmpfs', 'connect-redis'),
    most(1 / 30, 'direct-2@tmpfs', 'session-file-store@tmpfs'),
  ]
}
