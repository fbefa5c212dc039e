import { writeFileSync } from 'node:fs'
import { cleaningUp } from '../harness/cleanup.js'
import { findPlaces } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import { measureParts } from './measure.js'

/** Options of the bench from the command line. */
export interface RecoveryOptions {
  readonly records: number
  readonly quick: boolean
  readonly directory?: string
  readonly output?: string
}

const QUICK_RECORDS = 50_000

/** How long it takes to open what a killed process has left in its journal. */
export async function benchRecovery({ records, quick, directory, output }: RecoveryOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const places = findPlaces(directory, cleanup).filter(({ name }) => name === 'disk')
    const parts = places.map((place) => ({
      title: `opening after a crash, ${place.name}`,
      name: 'recovery' as const,
      place,
      amount: quick ? Math.min(records, QUICK_RECORDS) : records,
    }))
    const measured = await measureParts(parts, { places, cleanup, progress: new Progress() })
    if (output !== undefined) writeFileSync(output, `${JSON.stringify(measured, null, 2)}\n`)
  })
}
