import { readFileSync } from 'node:fs'
import type { SectionResult } from './result.js'

/** Changes when results of before cannot be compared any more. */
const FORMAT = 1

/** A whole run, as `results.json` has it. */
export interface Run {
  readonly format: typeof FORMAT
  /** When it began: ISO 8601. */
  readonly at: string
  readonly seconds: number
  /** `npm run bench`, with its options. */
  readonly command: string
  readonly quick: boolean
  readonly seed: number
  readonly machine: string
  readonly places: readonly string[]
  /** Packages and programs, by name. */
  readonly versions: Readonly<Record<string, string>>
  /** What makes figures worth less. */
  readonly warnings: readonly string[]
  readonly sections: readonly SectionResult[]
}

/** What makes a run of what was measured. */
export function makeRun(run: Omit<Run, 'format'>): Run {
  return { format: FORMAT, ...run }
}

/**
 * Reads a run of before.
 * @throws {Error} saying what is wrong with the file
 */
export function readRun(file: string): Run {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file} cannot be read as the results of a run: ${(error as Error).message}`)
  }
  if (typeof content !== 'object' || content === null || Reflect.get(content, 'format') !== FORMAT)
    throw new Error(`${file} holds no results of a run, or those of another version of the bench`)
  return content as Run
}
