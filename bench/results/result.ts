import type { Figures, MeasureName } from './measures.js'
import type { Target } from './target.js'

/** One contestant, or one point of a curve, and what its rounds told. */
export interface Line {
  /** Unique within its section: `journal@disk`. */
  readonly id: string
  readonly label: string
  /** What it promises, where that differs. */
  readonly survives?: string
  readonly sharedBy?: string
  /** On a curve: where on the axis. */
  readonly at?: number
  /** On a curve: which one. */
  readonly curve?: string
  readonly figures: Figures
}

/** A table, and what is drawn of it. */
export interface Group {
  readonly title: string
  /** Columns, in their order. */
  readonly measures: readonly MeasureName[]
  readonly lines: readonly Line[]
  /** Those measures that are drawn; none: only the table. */
  readonly charts: readonly MeasureName[]
  /** Of curves. */
  readonly axis?: Axis
}

/** What curves run along, always by factors. */
export interface Axis {
  readonly title: string
  readonly unit: string
}

/** A figure that stands alone. */
export interface Fact {
  readonly name: string
  readonly value: number
  readonly unit: string
}

/** All that one section has found out. */
export interface SectionResult {
  readonly name: string
  readonly title: string
  /** How long it took. */
  readonly seconds?: number
  /** What was done, and what to keep in mind when figures are compared. */
  readonly about: readonly string[]
  /** What repeats it. */
  readonly command: string
  /** What could not take part, and how to get it. */
  readonly missing: readonly string[]
  readonly groups: readonly Group[]
  readonly facts?: readonly Fact[]
  readonly targets: readonly Target[]
}
