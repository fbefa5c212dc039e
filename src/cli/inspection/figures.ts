import type { InspectedEntry, JournalSummary, SessionEntry } from '../../../workers/files/inspect/entries.js'
import { Distribution } from './distribution.js'

const KIB = 1024
const MINUTE = 60
const HOUR = 3600
const DAY = 24 * HOUR
const SIZES = [256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 2 ** 20]
const SPANS = [MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY]

type Ranges = Distribution['ranges']

/** What there is in a session directory, in numbers. */
export interface DirectoryFigures {
  readonly layout: 'sharded' | 'flat'
  /** `inJournal`: those of the live ones that the journal tells of, and not their files. */
  readonly sessions: { readonly live: number; readonly expired: number; readonly inJournal: number }
  /** Of encoded live sessions. */
  readonly bytes: { readonly total: number; readonly mean: number; readonly largest: number }
  /** Live sessions by encoded size in bytes. */
  readonly sizes: Ranges
  /** Live sessions in files by the seconds since they were last saved or touched. */
  readonly ages: Ranges
  /** Live sessions by the seconds that they have left. */
  readonly remaining: Ranges
  readonly corrupt: number
  readonly unreadable: number
  /** `young`: may be in use. */
  readonly orphans: { readonly stale: number; readonly young: number }
  readonly aside: number
  readonly foreign: number
  /** `owner`: the process of the live engine that keeps it; `null` where a crash has left it. */
  readonly journal: (JournalSummary & { readonly owner: number | null }) | null
}

/** Adds entries up, and keeps none of them. */
export class Figures {
  readonly #now: number
  readonly #sessions = { live: 0, expired: 0, inJournal: 0 }
  readonly #orphans = { stale: 0, young: 0 }
  readonly #others = { corrupt: 0, unreadable: 0, aside: 0, foreign: 0 }
  readonly #sizes = new Distribution(SIZES)
  readonly #ages = new Distribution(SPANS)
  readonly #remaining = new Distribution(SPANS)
  #bytes = 0
  #largest = 0

  constructor(now: number) {
    this.#now = now
  }

  /** Counts one more. */
  add(entry: InspectedEntry): void {
    if (entry.kind === 'session') this.#addSession(entry)
    else if (entry.kind === 'orphan') this.#orphans[entry.stale ? 'stale' : 'young']++
    else this.#others[entry.kind]++
  }

  /** All that was counted so far. */
  snapshot(): Omit<DirectoryFigures, 'layout' | 'journal'> {
    const { live } = this.#sessions
    const mean = live === 0 ? 0 : Math.round(this.#bytes / live)
    return {
      sessions: { ...this.#sessions },
      bytes: { total: this.#bytes, mean, largest: this.#largest },
      sizes: this.#sizes.ranges,
      ages: this.#ages.ranges,
      remaining: this.#remaining.ranges,
      orphans: { ...this.#orphans },
      ...this.#others,
    }
  }

  #addSession({ expiry, bytes, changed, where }: SessionEntry): void {
    if (expiry <= this.#now) {
      this.#sessions.expired++
      return
    }
    this.#sessions.live++
    if (where === 'journal') this.#sessions.inJournal++
    this.#bytes += bytes
    this.#largest = Math.max(this.#largest, bytes)
    this.#sizes.add(bytes)
    this.#remaining.add((expiry - this.#now) / 1000)
    if (changed !== undefined) this.#ages.add((this.#now - changed) / 1000)
  }
}
