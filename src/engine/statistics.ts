import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { ConnectionStatistics } from '../../workers/protocol/index.js'
import type { Pending } from './pending.js'

/** Latency of settled operations, in milliseconds. */
export interface LatencyStatistics {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** What the last sweep found. */
export interface SweepResult {
  /** Directory entries looked at. */
  readonly scanned: number
  /** Expired sessions removed. */
  readonly expired: number
  /** Left-over temporary files, placeholders and tombstones removed. */
  readonly orphans: number
  /** Files in a session's place that are no sessions; they are left where they are. */
  readonly corrupt: number
  /** Sessions sealed anew, by the newest key. */
  readonly resealed: number
  /** Live sessions that were to be sealed anew and could not be; a `corrupt` event tells why. They stay as they are. */
  readonly refused: number
  /** The storage removes what has expired by itself, as a server does: there is nothing to sweep. */
  readonly unneeded: boolean
}

/** The journal, as far as it is not in files yet. */
export interface JournalStatistics {
  readonly memoryBytes: number
  readonly diskBytes: number
  /** Checkpoints done, and the milliseconds that the last one took. */
  readonly checkpoints: { readonly count: number; readonly milliseconds: number }
  /** Milliseconds since all that it held was in files; 0 while it holds nothing. */
  readonly lag: number
}

/** What {@link SessionEngine.stats} returns: plain numbers, counted since the engine was made. */
export interface EngineStatistics {
  /** Operations taken in. */
  readonly accepted: number
  /** Loads and questions that were answered at once, by what the engine remembers of a journal. */
  readonly fromMemory: number
  /** Records written, that is slots of create, update and save that were done. */
  readonly written: number
  /** Operations that shared the slot of another. */
  readonly coalesced: number
  /** Operations that rejected for the storage's sake. */
  readonly failed: number
  /** Operations turned away because too many were waiting. */
  readonly overloaded: number
  /** Accepted and not yet settled. */
  readonly pending: { readonly operations: number; readonly bytes: number }
  /** Pool tasks done, and their mean number of slots. */
  readonly batches: { readonly count: number; readonly meanSize: number }
  /** Of what had to wait for a worker. */
  readonly latency: LatencyStatistics
  readonly workers: { readonly threads: number; readonly restarts: number }
  /** Files in a session's place that were no sessions and were moved aside. */
  readonly corrupt: number
  /** Only where sessions are on servers. */
  readonly connections: ConnectionStatistics | undefined
  /** Only with `durability: 'journal'`. */
  readonly journal: JournalStatistics | undefined
  readonly lastSweep: (SweepResult & { readonly at: Date; readonly milliseconds: number }) | undefined
}

/** Counts what the engine does. */
export class Statistics {
  accepted = 0
  fromMemory = 0
  written = 0
  coalesced = 0
  failed = 0
  corrupt = 0
  batches = 0
  slots = 0
  lastSweep: EngineStatistics['lastSweep']
  readonly #latency: RecordableHistogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 })

  /** Records how long an operation took, in microseconds. */
  recordLatency(microseconds: number): void {
    this.#latency.record(Math.max(1, microseconds))
  }

  /** The public form. */
  snapshot(
    pending: Pending,
    workers: EngineStatistics['workers'],
    { journal, connections }: Pick<EngineStatistics, 'journal' | 'connections'>,
  ): EngineStatistics {
    return {
      accepted: this.accepted,
      fromMemory: this.fromMemory,
      written: this.written,
      coalesced: this.coalesced,
      failed: this.failed,
      overloaded: pending.refused,
      pending: pending.snapshot(),
      batches: { count: this.batches, meanSize: this.batches === 0 ? 0 : this.slots / this.batches },
      latency: this.#latencyStatistics(),
      workers,
      connections,
      journal,
      corrupt: this.corrupt,
      lastSweep: this.lastSweep,
    }
  }

  #latencyStatistics(): LatencyStatistics {
    if (this.#latency.count === 0) return { mean: 0, p50: 0, p99: 0, p999: 0, max: 0 }
    return {
      mean: this.#latency.mean / 1000,
      p50: this.#latency.percentile(50) / 1000,
      p99: this.#latency.percentile(99) / 1000,
      p999: this.#latency.percentile(99.9) / 1000,
      max: this.#latency.max / 1000,
    }
  }
}
