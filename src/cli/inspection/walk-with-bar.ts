import type {
  InspectedEntry,
  InspectionDepth,
  InspectionSlice,
} from '../../../workers/files/inspect/entries.js'
import { ProgressBar } from '../progress-bar.js'
import type { Inspector } from './inspector.js'

/** Walks through everything, with a bar for somebody at a terminal. */
export async function walkWithBar(
  inspector: Inspector,
  depth: InspectionDepth,
  onSlice: (slice: InspectionSlice) => Promise<void> | void,
): Promise<void> {
  // How many sessions there are nobody knows before, but how many directories; of one directory, nothing is known.
  const isFlat = (await inspector.layout()) === 'flat'
  const bar = new ProgressBar(
    isFlat ? '{entries} entries looked at' : 'looking {bar} {percentage} % | {entries} entries',
  )
  let entries = 0
  try {
    for await (const slice of inspector.walk(depth)) {
      entries += slice.entries.length
      bar.show(slice.directories, slice.totalDirectories, { entries })
      await onSlice(slice)
    }
  } finally {
    bar.end()
  }
}

/** The sessions among some entries that have not expired. */
export function* liveSessions(entries: readonly InspectedEntry[], now: number) {
  for (const entry of entries) if (entry.kind === 'session' && entry.expiry > now) yield entry
}
