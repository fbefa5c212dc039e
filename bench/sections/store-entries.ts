import type { Entry, EntryResults } from '../harness/interleave.js'
import type { Place, Places } from '../harness/places.js'
import { figuresOf } from '../results/measures.js'
import type { Line } from '../results/result.js'
import { directoryFor, type Store } from '../stores/store.js'
import type { WorkloadDescription } from '../workloads/workload.js'

/** A store under a workload. */
export interface StoreEntry extends Entry {
  readonly store: Store
  /** Where on an axis, and along which curve. */
  readonly point?: { readonly at: number; readonly curve: string; readonly label: string }
}

/** Where and under what stores are compared. */
export interface Trial {
  readonly places: Places
  readonly place: Place
  readonly workload: WorkloadDescription
  /** Behind the store's name, where one section has several trials: `zipf`. */
  readonly suffix?: string
}

/** An entry for each store that can do what the workload asks for. */
export function storeEntries(stores: readonly Store[], trial: Trial): StoreEntry[] {
  return stores
    .filter(({ can }) => can.includes(trial.workload.operation))
    .map((store) => {
      const id = idOf(store, trial)
      const directory = directoryFor(id, store, trial.place, trial.places)
      return { id, label: store.label, store, description: store.describe(directory, trial.workload) }
    })
}

/** `journal-zipf@disk`; without a place for what keeps no files. */
function idOf({ name, inFiles }: Store, { place, suffix }: Pick<Trial, 'place' | 'suffix'>): string {
  return `${name}${suffix === undefined ? '' : `-${suffix}`}${inFiles ? `@${place.name}` : ''}`
}

/** What became of it. */
export function storeLine({ entry, rounds }: EntryResults<StoreEntry>): Line {
  const { id, label, store, point } = entry
  const figures = figuresOf(rounds)
  if (point !== undefined) return { id, label: point.label, at: point.at, curve: point.curve, figures }
  return { id, label, survives: store.survives, sharedBy: store.sharedBy, figures }
}

/**
 * Those whose id contains one of the given words; all, without words.
 * @throws {Error} listing the ids, when there is none
 */
export function only<Kind extends { readonly id: string }>(
  entries: readonly Kind[],
  words: readonly string[],
): Kind[] {
  if (words.length === 0) return [...entries]
  const chosen = entries.filter(({ id }) => words.some((word) => id.includes(word)))
  if (chosen.length === 0) {
    throw new Error(
      `none of the names contains ${words.join(' or ')}: ${entries.map(({ id }) => id).join(', ')}`,
    )
  }
  return chosen
}
