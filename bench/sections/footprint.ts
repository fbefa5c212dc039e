import { SAVES, SESSIONS } from '../footprint/marks.js'
import { footprintOf, hasStrace } from '../footprint/strace.js'
import type { ContestantDescription, PeerDescription } from '../harness/open-contestant.js'
import type { Figures } from '../results/measures.js'
import type { Line } from '../results/result.js'
import { coatcheckStore } from '../stores/coatcheck-stores.js'
import { peers, SESSION_FILE_STORE } from '../stores/peer-stores.js'
import { HOT_SAVES } from '../workloads/workload.js'
import type { Section } from './section.js'
import { only, storeEntries } from './store-entries.js'

/** What a save comes to in system calls, files and bytes. */
export const FOOTPRINT: Section = {
  name: 'footprint',
  summary: 'what a save comes to in system calls, files and bytes, as strace sees it',
  plan({ places, only: words, thoroughness }) {
    const able = hasStrace()
    const { stores } = peers()
    const ours = [
      coatcheckStore({ durability: 'direct' }),
      coatcheckStore({ durability: 'direct', fsync: true }),
      coatcheckStore({ durability: 'journal' }),
      coatcheckStore({ durability: 'journal', fsync: true }),
    ]
    const others = thoroughness === 'quick' ? [SESSION_FILE_STORE] : stores
    const inFiles = [...ours, ...others].filter(
      ({ inFiles: keeps, name }) => keeps && !name.includes('redis'),
    )
    const trial = { places, place: places.disk, workload: HOT_SAVES, suffix: 'footprint' }
    const entries = able
      ? only(storeEntries(inFiles, trial), words).filter(({ description }) => isPeer(description))
      : []
    return {
      steps: entries.length,
      run: async ({ progress }) => {
        const lines: Line[] = []
        for (const { id, label, description } of entries) {
          progress.show(`counting ${id}`)
          if (!isPeer(description) || !('directory' in description)) continue
          const { workload: _, ...peer } = description
          lines.push({
            id,
            label,
            figures: figuresOf(await footprintOf({ directory: peer.directory, peer })),
          })
          progress.advance()
        }
        return {
          name: 'footprint',
          title: 'What a save comes to',
          about: [
            `${SAVES} saves of ${SESSIONS} sessions by 32 callers, watched by strace: calls on files alone, and the bytes that were given to write calls. What a journal writes to files later is not in it.`,
          ],
          command: 'npm run bench -- footprint',
          missing: able
            ? []
            : ['left out: there is no strace, or it may not watch; on Debian: apt install strace'],
          groups: [
            {
              title: 'Per save',
              measures: ['calls', 'filesCreated', 'writes', 'bytesGiven', 'renames', 'syncs'],
              charts: [],
              lines,
            },
          ],
          targets: [],
        }
      },
    }
  },
}

function isPeer(description: ContestantDescription): description is PeerDescription {
  return !['raw', 'django', 'http', 'raw-walk', 'sweep'].includes(description.kind)
}

function figuresOf(footprint: Awaited<ReturnType<typeof footprintOf>>): Figures {
  return Object.fromEntries(Object.entries(footprint).map(([name, value]) => [name, [value]]))
}
