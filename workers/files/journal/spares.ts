import { readdirSync } from 'node:fs'
import { hasCode } from '../../protocol/index.js'
import { rename } from '../rename.js'
import { unlinkIfPresent } from '../unlink.js'

const NAME = /^spare-[0-9]+$/

/**
 * Files of segments that are not needed any more, kept to be written over, where each append is synced: the disk has less
 * to write when a file's length and blocks stay as they are. What one held is void once its header has a new salt.
 */
export class Spares {
  readonly #directory: string
  readonly #most: number
  #paths: string[] = []
  #next = 0

  /** Removes those of an earlier process: whether its syncs have succeeded, nobody knows. */
  constructor(directory: string, most: number) {
    this.#directory = directory
    this.#most = most
    removeSpares(directory)
  }

  /** Whether one more is worth its room. */
  get wanted(): boolean {
    return this.#paths.length < this.#most
  }

  /** Takes a segment out of the journal; returns what to `add` when that is durable, `undefined` when it has gone before. */
  moveOut(segment: string): string | undefined {
    const spare = `${this.#directory}/spare-${this.#next++}`
    try {
      rename(segment, spare)
      return spare
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** Makes a file one that can be taken. */
  add(spare: string): void {
    this.#paths.push(spare)
  }

  /** The path of one, which belongs to the caller now. */
  take(): string | undefined {
    return this.#paths.pop()
  }

  /** Gives their room back. Never throws: what cannot be removed now is by whoever opens the journal next. */
  clear(): void {
    this.#paths = []
    removeSpares(this.#directory)
  }
}

/** Whether a file of a journal's directory is a spare. */
export function isSpare(name: string): boolean {
  return NAME.test(name)
}

/** Removes all that there are. Never throws. */
export function removeSpares(directory: string): void {
  try {
    for (const name of readdirSync(directory).filter(isSpare)) unlinkIfPresent(`${directory}/${name}`)
  } catch {
    // The failure that matters is the one that led here, or comes next.
  }
}
