import type { Entry } from '../harness/interleave.js'
import type { PeerDescription } from '../harness/open-contestant.js'
import type { Place } from '../harness/places.js'
import { HOT_SAVES, type LoopOptions } from '../workload.js'

/** The loops that the journal is measured in. */
export type JournalLoop = 'hot' | 'turn' | 'load'

/** So many that few saves of a session come between two writings of its file: checkpoints are always at work. */
const IN_TURN: LoopOptions = { sessions: 50_000, operation: 'save' }
const HOT_LOADS: LoopOptions = { ...HOT_SAVES, operation: 'load' }

const LOOPS: Readonly<Record<JournalLoop, LoopOptions>> = { hot: HOT_SAVES, turn: IN_TURN, load: HOT_LOADS }

/** Seconds between checkpoints, where it is not left to the storage. */
const INTERVALS: Readonly<Partial<Record<JournalLoop, number | false>>> = { turn: 1, load: false }

/** The id of a line: `journal-fsync-turn@disk`. */
export function journalId(who: 'journal' | 'lmdb', sync: boolean, loop: JournalLoop, place: string): string {
  // Each store's own default goes without a word.
  const setting = who === 'journal' ? (sync ? '-fsync' : '') : sync ? '' : '-nosync'
  return `${who}${setting}${loop === 'hot' ? '' : `-${loop}`}@${place}`
}

/** Ours with the journal. */
export function coatcheckJournal(place: Place, fsync: boolean, loop: JournalLoop): Entry {
  const interval = INTERVALS[loop]
  const every = loop === 'turn' ? `, checkpoint every ${interval} s` : ''
  return entry(place, journalId('journal', fsync, loop, place.name), loop, {
    label: `coatcheck journal${fsync ? ' + fsync' : ''}${every}`,
    describe: (directory) => ({
      kind: 'coatcheck',
      directory,
      durability: 'journal',
      fsync,
      ...(interval === undefined ? {} : { checkpointInterval: interval }),
    }),
  })
}

/** The same, hot, without a sync, with nothing of a session or its key to be seen. */
export function concealedJournal(
  place: Place,
  { sealed, hashNames }: { readonly sealed: boolean; readonly hashNames: boolean },
): Entry {
  const words = [...(sealed ? ['sealed'] : []), ...(hashNames ? ['hashed'] : [])]
  return entry(place, `journal-${words.join('-')}@${place.name}`, 'hot', {
    label: `coatcheck journal, ${words.join(', ')}`,
    describe: (directory) => ({ kind: 'coatcheck', directory, durability: 'journal', sealed, hashNames }),
  })
}

/** The `lmdb` package. */
export function lmdb(place: Place, sync: boolean, loop: JournalLoop): Entry {
  return entry(place, journalId('lmdb', sync, loop, place.name), loop, {
    label: `LMDB ${sync ? 'default (synced)' : 'noSync'}`,
    describe: (directory) => ({ kind: 'lmdb', directory, sync }),
  })
}

function entry(
  place: Place,
  id: string,
  loop: JournalLoop,
  { label, describe }: { label: string; describe: (directory: string) => PeerDescription },
): Entry {
  const description = { ...describe(`${place.directory}/${id}`), loop: LOOPS[loop] }
  return { id, label, place: place.name, description }
}
