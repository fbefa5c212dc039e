import type { ContestantDescription } from '../harness/open-contestant.js'
import type { Place, Places } from '../harness/places.js'
import type { OperationName, WorkloadDescription } from '../workloads/workload.js'

/** What becomes of a save that was acknowledged. */
export type Survives =
  /** It is gone with the process. */
  | 'nothing'
  /** A crash of the process. */
  | 'process'
  /** A crash of the process, not one of the server that keeps it. */
  | 'client'
  /** A power cut, but for the last second. */
  | 'power − 1 s'
  /** A power cut. */
  | 'power'

/** Who can use the same sessions. */
export type SharedBy = 'one process' | 'one machine' | 'network'

/** A store that takes part, and what it promises. */
export interface Store {
  /** Unique: `lmdb-nosync`. */
  readonly name: string
  readonly label: string
  readonly survives: Survives
  readonly sharedBy: SharedBy
  /** Whether it keeps files, which lie on one file system or another. */
  readonly inFiles: boolean
  /** What of the workloads it can do. */
  readonly can: readonly OperationName[]
  describe(directory: string, workload: WorkloadDescription): ContestantDescription
}

/** What anybody can do who can save and load. */
export const WITHOUT_TOUCH: readonly OperationName[] = ['save', 'load', 'request', 'create', 'read']
export const EVERYTHING: readonly OperationName[] = [...WITHOUT_TOUCH, 'touch']

/** What takes part, and what does not, and how to get it. */
export interface Field {
  readonly stores: readonly Store[]
  readonly missing: readonly string[]
}

/** A folder of its own for what a contestant keeps; that of a server lies in memory. */
export function directoryFor(id: string, store: Store, place: Place, { tmpfs }: Places): string {
  const where = store.inFiles ? place : (tmpfs ?? place)
  return `${where.directory}/${id}`
}
