import { cleaningUp } from '../harness/cleanup.js'
import { interleave } from '../harness/interleave.js'
import { findPlaces } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import { RAW_DESCRIPTIONS } from '../raw/protocols.js'
import {
  type ComparisonOptions,
  printConditions,
  printResults,
  printTargets,
  settingsOf,
  writeOutput,
} from './comparison.js'
import { only, saveEntries } from './entries.js'
import { journalTargets } from './journal-targets.js'
import { saveTargets } from './save-targets.js'

/** Saves per second and what they cost: the floor, ours and the others, side by side. */
export async function benchSave(options: ComparisonOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const settings = settingsOf(options)
    const places = findPlaces(options.directory, cleanup)
    const { entries, missing } = saveEntries(places)
    printConditions(places, settings)
    console.log(`raw system calls: Django's save as bare synchronous calls of worker threads, each on its own files in
its own directory, the buffer made in advance: ${RAW_DESCRIPTIONS.django}.
"without the check", for information: ${RAW_DESCRIPTIONS.lean}.`)
    for (const line of missing) console.log(line)
    const results = await interleave(only(entries, options.only), settings, cleanup, new Progress())
    const targets = [...saveTargets(results), ...journalTargets(results)]
    printResults(results, places)
    printTargets(targets)
    if (options.output !== undefined)
      writeOutput(options.output, { bench: 'save', settings, places, results, targets })
  })
}
