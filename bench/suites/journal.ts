import { cleaningUp } from '../harness/cleanup.js'
import { interleave } from '../harness/interleave.js'
import { findPlaces, type Place } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import {
  type ComparisonOptions,
  printConditions,
  printResults,
  printTargets,
  settingsOf,
  writeOutput,
} from './comparison.js'
import { coatcheck, type EntryList, only, redis, sessionFileStore } from './entries.js'
import { coatcheckJournal, concealedJournal, lmdb } from './journal-entries.js'
import { journalTargets } from './journal-targets.js'

/** The journal in all its loops, beside LMDB and those whose figures its goals are made of. */
export async function benchJournal(options: ComparisonOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const settings = settingsOf(options)
    const places = findPlaces(options.directory, cleanup).filter(({ name }) => name === 'disk')
    const { entries, missing } = journalList(places)
    printConditions(places, settings)
    for (const line of missing) console.log(line)
    const results = await interleave(only(entries, options.only), settings, cleanup, new Progress())
    const targets = journalTargets(results)
    printResults(results, places)
    printTargets(targets)
    if (options.output !== undefined)
      writeOutput(options.output, { bench: 'journal', settings, places, results, targets })
  })
}

function journalList(places: readonly Place[]): EntryList {
  const entries = places.flatMap((place) => [
    coatcheckJournal(place, false, 'hot'),
    coatcheckJournal(place, true, 'hot'),
    concealedJournal(place, { sealed: true, hashNames: false }),
    concealedJournal(place, { sealed: false, hashNames: true }),
    concealedJournal(place, { sealed: true, hashNames: true }),
    lmdb(place, false, 'hot'),
    lmdb(place, true, 'hot'),
    coatcheck(place, 2),
    coatcheck(place, 2, true),
    sessionFileStore(place),
    coatcheckJournal(place, false, 'turn'),
    coatcheckJournal(place, true, 'turn'),
    lmdb(place, false, 'turn'),
    lmdb(place, true, 'turn'),
    coatcheckJournal(place, false, 'load'),
    lmdb(place, false, 'load'),
  ])
  const server = redis(places)
  return { entries: [...entries, ...server.entries], missing: server.missing }
}
