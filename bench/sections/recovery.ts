import { measurementsPlan } from './measurements.js'
import type { Section } from './section.js'

const RECORDS = 1_000_000
const FEWER_RECORDS = 50_000

/** How long it takes to open what a killed process has left in its journal. */
export const RECOVERY: Section = {
  name: 'recovery',
  summary: 'how long a journal takes that a killed process has left behind',
  plan({ places: { disk }, thoroughness }) {
    const amount = thoroughness === 'quick' ? FEWER_RECORDS : RECORDS
    const about = ['A process saves, twenty times each session, and is killed; then its journal is opened.']
    return measurementsPlan({ name: 'recovery', title: 'Opening after a crash', about }, [
      { title: `opening after a crash, ${disk.name}`, name: 'recovery', place: disk, amount },
    ])
  },
}
