import { readdirSync, statSync } from 'node:fs'
import { litterIn } from '../fixtures/litter.js'

/** What lies about in a session directory. */
export interface Footprint {
  readonly temporary: number
  readonly entries: number
}

/** Counts what is in a sharded session directory. */
export function footprintOf(directory: string): Footprint {
  const footprint = { temporary: 0, entries: 0 }
  for (const slice of readdirSync(directory)) {
    if (slice.startsWith('.')) continue
    const names = readdirSync(`${directory}/${slice}`)
    const temporary = litterIn(names).length
    footprint.temporary += temporary
    footprint.entries += names.length - temporary
  }
  return footprint
}

/** Bytes of the files of a directory, some of which may go meanwhile; 0 without one. */
export function bytesOf(directory: string): number {
  let bytes = 0
  for (const name of namesOf(directory)) {
    bytes += statSync(`${directory}/${name}`, { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

function namesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
