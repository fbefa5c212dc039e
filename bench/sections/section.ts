import type { InterleaveSettings, Surroundings } from '../harness/interleave.js'
import type { Places } from '../harness/places.js'
import type { SectionResult } from '../results/result.js'

/** How much is measured: for a figure, for a whole run of all sections, or for a look. */
export type Thoroughness = 'alone' | 'run' | 'quick'

/** What a section is told. */
export interface SectionContext {
  readonly places: Places
  readonly thoroughness: Thoroughness
  /** What was asked for by name; `undefined` stands for what the section has by itself. */
  readonly asked: Partial<Pick<InterleaveSettings, 'rounds' | 'seconds' | 'callers'>>
  /** Only contestants whose id contains one of these words; all, without words. */
  readonly only: readonly string[]
  /** What random choices begin with. */
  readonly seed: number
}

/** A section whose contestants are chosen, and that can be run. */
export interface SectionPlan {
  /** How many steps it tells its progress. */
  readonly steps: number
  run(surroundings: Surroundings): Promise<SectionResult>
}

/** A part of the bench that answers one question. */
export interface Section {
  /** Of its command: `npm run bench -- NAME`. */
  readonly name: string
  readonly summary: string
  /** Makes no contestant yet. */
  plan(context: SectionContext): SectionPlan
}
