import type { EntryResults } from '../harness/interleave.js'
import type { Measure } from '../harness/results-table.js'
import { ratio, type Target } from '../harness/targets.js'
import { journalId } from './journal-entries.js'

const rate: Measure = (round) => round.perSecond
const loop: Measure = (round) => round.loopMicroseconds

const HOT = journalId('journal', false, 'hot', 'disk')
const HOT_FSYNC = journalId('journal', true, 'hot', 'disk')
const TURN = journalId('journal', false, 'turn', 'disk')
const LOAD = journalId('journal', false, 'load', 'disk')
const LMDB = journalId('lmdb', true, 'hot', 'disk')
const LMDB_NO_SYNC = journalId('lmdb', false, 'hot', 'disk')
const LMDB_TURN = journalId('lmdb', false, 'turn', 'disk')

/** What the journal has to reach on two processors. */
export function journalTargets(results: readonly EntryResults[]): Target[] {
  const least = (name: string, goal: number, id: string, toId?: string): Target => ({
    name: `journal, ${name}`,
    goal: { least: goal },
    measured: ratio(results, rate, id, toId),
  })
  const most = (name: string, goal: number, id: string, toId?: string): Target => ({
    name: `journal, ${name}`,
    goal: { most: goal },
    measured: ratio(results, loop, id, toId),
  })
  return [
    least('hot, fsync: saves/s, ÷ connect-redis', 3, HOT_FSYNC, 'connect-redis'),
    least('hot, fsync: saves/s, ÷ LMDB default', 2, HOT_FSYNC, LMDB),
    least('hot, fsync: saves/s, ÷ session-file-store', 50, HOT_FSYNC, 'session-file-store@disk'),
    most('hot, fsync: event loop, µs a save', 3.5, HOT_FSYNC),
    most('hot, fsync: event loop, ÷ LMDB default', 1.2, HOT_FSYNC, LMDB),
    least('hot: saves/s, ÷ LMDB noSync', 1.5, HOT, LMDB_NO_SYNC),
    most('hot: event loop, µs a save', 3.5, HOT),
    most('hot: event loop, ÷ LMDB noSync', 1.2, HOT, LMDB_NO_SYNC),
    least('50 000 in turn: saves/s, ÷ LMDB noSync', 0.7, TURN, LMDB_TURN),
    most('50 000 in turn: event loop, µs a save', 5, TURN),
    least('hot loads/s', 250_000, LOAD),
    most('hot load: event loop, µs a load', 3.5, LOAD),
  ]
}
