import { readdirSync, statSync } from 'node:fs'

/** What lies about in a session directory. */
export interface Footprint {
  readonly temporary: number
  readonly entries: number
}

const TEMPORARY = /^\..*(?:\.tmp|\.claim|\.taken-[^.]+)$/

/** Counts what is in a sharded session directory. */
export function footprintOf(directory: string): Footprint {
  const footprint = { temporary: 0, entries: 0 }
  for (const slice of readdirSync(directory)) {
    if (slice.startsWith('.')) continue
    for (const name of readdirSync(`${directory}/${slice}`)) {
      if (TEMPORARY.test(name)) footprint.temporary++
      else footprint.entries++
    }
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
