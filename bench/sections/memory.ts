import { allPlaces } from '../harness/places.js'
import { measurementsPlan, type Part } from './measurements.js'
import type { Section } from './section.js'
import { only } from './store-entries.js'

/** What sessions cost that wait or lie idle, and what an operation takes that waits alone. */
export const MEMORY: Section = {
  name: 'memory',
  summary: 'bytes of pending and idle sessions, opening a full directory, an operation that waits alone',
  plan({ places, thoroughness, only: words }) {
    const { disk } = places
    const fast = places.tmpfs ?? disk
    const amount = (usual: number, quick: number): number => (thoroughness === 'quick' ? quick : usual)
    const parts: Part[] = [
      {
        title: `pending and idle sessions, ${fast.name}`,
        name: 'pending',
        place: fast,
        amount: amount(50_000, 20_000),
      },
      {
        title: `memory over many saves, ${fast.name}`,
        name: 'flat',
        place: fast,
        amount: amount(5_000_000, 200_000),
      },
      { title: `opening, ${disk.name}`, name: 'opening', place: disk, amount: amount(1_000_000, 50_000) },
      ...allPlaces(places).map((place): Part => {
        const title = `an operation that waits alone, ${place.name}`
        return { title, name: 'latency', place, amount: amount(2_000, 300) }
      }),
      {
        title: `loads, and the journal's size, beside checkpoints, ${disk.name}`,
        name: 'checkpoints',
        place: disk,
        amount: amount(5_000, 500),
      },
    ]
    const about = ['Each is measured once, in a process of its own.']
    const named = parts.map((part) => ({ ...part, id: part.name }))
    return measurementsPlan(
      { name: 'memory', title: 'Memory, and operations alone', about },
      only(named, words),
    )
  },
}
