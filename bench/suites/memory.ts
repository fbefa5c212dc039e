import { writeFileSync } from 'node:fs'
import { cleaningUp } from '../harness/cleanup.js'
import { findPlaces, type Place } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import { measureParts, type Part } from './measure.js'

/** Options of the bench from the command line. */
export interface MemoryOptions {
  readonly saves: number
  readonly sessions: number
  readonly only: readonly string[]
  readonly quick: boolean
  readonly directory?: string
  readonly output?: string
}

/** What sessions cost that wait or lie idle, and what an operation takes that waits alone. */
export async function benchMemory(options: MemoryOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const places = findPlaces(options.directory, cleanup)
    const measured = await measureParts(partsOf(options, places), {
      places,
      cleanup,
      progress: new Progress(),
    })
    if (options.output !== undefined) writeFileSync(options.output, `${JSON.stringify(measured, null, 2)}\n`)
  })
}

function partsOf({ saves, sessions, only, quick }: MemoryOptions, places: readonly Place[]): Part[] {
  const fast = places[0]
  const disk = places.at(-1)
  if (fast === undefined || disk === undefined) return []
  const quickly = (amount: number, quickAmount: number): number =>
    quick ? Math.min(amount, quickAmount) : amount
  const parts: Part[] = [
    {
      title: `pending and idle sessions, ${fast.name}`,
      name: 'pending',
      place: fast,
      amount: quickly(50_000, 20_000),
    },
    {
      title: `memory over many saves, ${fast.name}`,
      name: 'flat',
      place: fast,
      amount: quickly(saves, 200_000),
    },
    { title: `opening, ${disk.name}`, name: 'opening', place: disk, amount: quickly(sessions, 50_000) },
    ...places.map((place): Part => {
      const title = `an operation that waits alone, ${place.name}`
      return { title, name: 'latency', place, amount: quickly(2_000, 300) }
    }),
    {
      title: `loads, and the journal's size, beside checkpoints, ${disk.name}`,
      name: 'checkpoints',
      place: disk,
      amount: quickly(5_000, 500),
    },
  ]
  return only.length === 0 ? parts : parts.filter(({ name }) => only.some((word) => name.includes(word)))
}
