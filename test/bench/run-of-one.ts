import type { SectionResult } from '../../bench/results/result.js'
import { makeRun, type Run } from '../../bench/results/run.js'

/** A run of one section, of which a test says what matters to it. */
export function runOfOne(section: Pick<SectionResult, 'groups'> & Partial<SectionResult>): Run {
  return makeRun({
    at: '2026-01-01T00:00:00.000Z',
    seconds: 1,
    command: 'npm run bench',
    quick: false,
    seed: 1,
    machine: 'a machine',
    places: ['disk: ext4'],
    versions: { node: '20.20.0' },
    warnings: [],
    sections: [
      {
        name: 'save',
        title: 'Saves',
        about: [],
        command: 'npm run bench -- save',
        missing: [],
        targets: [],
        ...section,
      },
    ],
  })
}
