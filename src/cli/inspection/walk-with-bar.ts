import type {
  InspectedEntry,
  InspectionDepth,
  InspectionSlice,
  SessionEntry,
} from '../../../workers/files/inspect/entries.js'
import { print } from '../output.js'
import { ProgressBar } from '../progress-bar.js'
import type { Inspector } from './inspector.js'

/** Walks through everything, printing the lines that are made of each slice, with a bar for somebody at a terminal. */
export async function walkWithBar(
  inspector: Inspector,
  depth: InspectionDepth,
  linesOf: (slice: InspectionSlice) => readonly string[],
): Promise<void> {
  // How many sessions there are nobody knows before, but how many directories; of one directory, nothing is known.
  const isFlat = (await inspector.layout()) === 'flat'
  const bar = new ProgressBar(
    isFlat ? '{entries} entries looked at' : 'looking {bar} {percentage} % | {entries} entries',
  )
  let entries = 0
  try {
    for await (const slice of inspector.walk(depth)) {
      const lines = linesOf(slice)
      // The bar stands below the lines, never between them.
      if (lines.length > 0) bar.end()
      await print(lines)
      entries += slice.entries.length
      if (!slice.done) bar.show(slice.directories, slice.totalDirectories, { entries })
    }
  } finally {
    bar.end()
  }
}

/** The sessions among some entries that have not expired. */
export function liveSessions(entries: readonly InspectedEntry[], now: number): SessionEntry[] {
  return entries.filter((entry) => entry.kind === 'session').filter(({ expiry }) => expiry > now)
}
