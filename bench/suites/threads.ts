import { availableParallelism } from 'node:os'
import { cleaningUp } from '../harness/cleanup.js'
import { interleave } from '../harness/interleave.js'
import { findPlaces } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import {
  type ComparisonOptions,
  printConditions,
  printResults,
  settingsOf,
  writeOutput,
} from './comparison.js'
import { coatcheck, only } from './entries.js'

/** Thread counts that are compared: what `threads: 'auto'` may choose from. */
const THREADS = [1, 2, 3, 4] as const

/** Ours with one to four threads: the measurement behind `threads: 'auto'`. */
export async function benchThreads(options: ComparisonOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const settings = settingsOf(options)
    const places = findPlaces(options.directory, cleanup)
    const entries = places.flatMap((place) => THREADS.map((threads) => coatcheck(place, threads)))
    printConditions(places, settings)
    console.log(
      `This machine has ${availableParallelism()} processors; the event loop and the load need one of them.`,
    )
    const results = await interleave(only(entries, options.only), settings, cleanup, new Progress())
    printResults(results, places)
    if (options.output === undefined) return
    writeOutput(options.output, { bench: 'threads', settings, places, results, targets: [] })
  })
}
