import { cleaningUp } from '../harness/cleanup.js'
import { medianFigure, spreadFigure } from '../harness/figures.js'
import { type Entry, type EntryResults, interleave } from '../harness/interleave.js'
import type { ShopDescription } from '../harness/open-contestant.js'
import { findPlaces, type Place } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import { type Measure, spreadOver } from '../harness/results-table.js'
import { formatTable } from '../harness/table.js'
import { ratio, type Target } from '../harness/targets.js'
import { hasRedisServer } from '../peers/redis-server.js'
import { type ComparisonOptions, printMachine, printTargets, settingsOf, writeOutput } from './comparison.js'
import { only } from './entries.js'

const rate: Measure = (round) => round.perSecond

/** An Express app over each store, saving with every request: what of the stores' figures a visitor notices. */
export async function benchHttp(options: ComparisonOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const settings = settingsOf(options)
    const places = findPlaces(options.directory, cleanup).filter(({ name }) => name === 'disk')
    printMachine(places)
    console.log(
      `Express and express-session, resave: true, or our middleware, saveEveryRequest: true, in one process; ${settings.callers} visitors from another one, each with ` +
        `a connection and a cookie of his own; ${settings.rounds} rounds of ${settings.seconds} s, interleaved. After ` +
        'each round every session in the store has to be what the last answer of its visitor said.',
    )
    const entries = only(httpEntries(places), options.only)
    const results = await interleave(entries, settings, cleanup, new Progress())
    const targets = httpTargets(results)
    console.log(`\nMedians over the rounds, in brackets least and most.\n${httpTable(results)}`)
    printTargets(targets)
    if (options.output !== undefined)
      writeOutput(options.output, { bench: 'http', settings, places, results, targets })
  })
}

function httpEntries(places: readonly Place[]): Entry[] {
  const entries: Entry[] = [server('memory-store', 'MemoryStore', undefined, { kind: 'memory-store' })]
  for (const place of places) {
    const directory = (id: string): string => `${place.directory}/${id}`
    entries.push(
      server('journal', 'coatcheck journal', place, {
        kind: 'coatcheck-express',
        directory: directory('journal'),
        durability: 'journal',
      }),
      server('middleware', 'coatcheck journal, our middleware', place, {
        kind: 'coatcheck-middleware',
        directory: directory('middleware'),
        durability: 'journal',
      }),
      server('journal-fsync', 'coatcheck journal + fsync', place, {
        kind: 'coatcheck-express',
        directory: directory('journal-fsync'),
        durability: 'journal',
        fsync: true,
      }),
      server('direct', 'coatcheck direct', place, {
        kind: 'coatcheck-express',
        directory: directory('direct'),
      }),
      server('middleware-direct', 'coatcheck direct, our middleware', place, {
        kind: 'coatcheck-middleware',
        directory: directory('middleware-direct'),
      }),
      server('session-file-store', 'session-file-store', place, {
        kind: 'session-file-store',
        directory: directory('session-file-store'),
      }),
    )
    if (hasRedisServer())
      entries.push(
        server('connect-redis', 'connect-redis, loopback, no persistence', undefined, {
          kind: 'connect-redis',
          directory: directory('redis'),
        }),
      )
  }
  return entries
}

function server(name: string, label: string, place: Place | undefined, store: ShopDescription): Entry {
  const id = place === undefined ? name : `${name}@${place.name}`
  return { id, label, place: place?.name, description: { kind: 'http', store } }
}

function httpTargets(results: readonly EntryResults[]): Target[] {
  const least = (goal: number, id: string, toId: string): Target => ({
    name: `${id}: requests/s, ÷ ${toId}`,
    goal: { least: goal },
    measured: ratio(results, rate, id, toId),
  })
  return [
    least(0.85, 'journal@disk', 'memory-store'),
    least(3, 'journal@disk', 'session-file-store@disk'),
    least(1, 'middleware@disk', 'journal@disk'),
    least(1, 'middleware-direct@disk', 'direct@disk'),
  ]
}

function httpTable(all: readonly EntryResults[]): string {
  const head = ['', 'requests/s', 'event loop busy %', 'process CPU µs', 'p50 ms', 'p99 ms']
  return formatTable(
    head,
    all.map((results) => [
      results.entry.label,
      spreadFigure(spreadOver(results, rate)),
      medianFigure(spreadOver(results, (round) => ((round.loopMicroseconds ?? 0) * round.perSecond) / 1e4)),
      medianFigure(spreadOver(results, (round) => round.processMicroseconds)),
      medianFigure(spreadOver(results, (round) => round.p50Milliseconds)),
      medianFigure(spreadOver(results, (round) => round.p99Milliseconds)),
    ]),
  )
}
