import type { DirectoryFigures } from './figures.js'

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
]

/** Figures for somebody to read: a line for each, its name in front. */
export function figuresText(figures: DirectoryFigures): string[] {
  const { layout, sessions, bytes, orphans, journal } = figures
  const lines: readonly (readonly [name: string, value: string])[] = [
    ['layout', layout],
    ['sessions', `${sessions.live} live, ${sessions.expired} expired`],
    ['bytes', `${bytes.total} in live sessions, ${bytes.mean} in one, ${bytes.largest} in the largest`],
    ['sizes', rangesText(figures.sizes, sizeText, 'larger')],
    ['changed', rangesText(figures.ages, spanText, 'longer ago')],
    ['expiring', rangesText(figures.remaining, spanText, 'later')],
    ['orphans', `${orphans.stale} to be swept, ${orphans.young} that may be in use`],
    ['corrupt', String(figures.corrupt)],
    ['unreadable', String(figures.unreadable)],
    ['kept aside', String(figures.aside)],
    ['foreign', String(figures.foreign)],
    ['journal', journalText(journal, sessions.inJournal)],
  ]
  return lines.map(([name, value]) => `${name.padEnd(12)}${value}`)
}

/** Ranges that hold nothing are left out. */
function rangesText(
  ranges: DirectoryFigures['sizes'],
  boundText: (bound: number) => string,
  beyond: string,
): string {
  const filled = ranges.filter(({ sessions }) => sessions > 0)
  const texts = filled.map(
    ({ upTo, sessions }) => `${sessions} ${upTo === null ? beyond : `within ${boundText(upTo)}`}`,
  )
  return texts.length === 0 ? 'none' : texts.join(', ')
}

function sizeText(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`
}

function spanText(seconds: number): string {
  const [unit, name] = UNITS.find(([length]) => seconds >= length) ?? [1, 'second']
  const count = seconds / unit
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function journalText(journal: DirectoryFigures['journal'], sessions: number): string {
  if (journal === null) return 'none'
  const owner = journal.owner === null ? 'left by a crash' : `kept by the engine of process ${journal.owner}`
  return `${owner}; ${journal.segments} segments, ${journal.bytes} bytes, ${sessions} live sessions in it`
}
