import type { RunPlan } from './outcomes.js'

/** Something that an engine does, to be run again and again, each time with another system call failing. */
export interface Subject {
  readonly name: string
  /** Then not every call is tried with every error, but each with one of them in turn. */
  readonly takesLong: boolean
  /** Runs it; whether anything was made to fail. Throws when anything is not as it has to be. */
  run(plan: RunPlan): Promise<boolean>
  /** Looks at what all runs have left. */
  finish(): Promise<void>
}
