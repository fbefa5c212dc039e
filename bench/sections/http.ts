import { hasRedisServer } from '../../test/fixtures/redis/redis-server.js'
import { type Entry, type EntryResults, interleave, stepsOf } from '../harness/interleave.js'
import type { ContestantDescription } from '../harness/open-contestant.js'
import type { Place } from '../harness/places.js'
import type { ServerDescription } from '../http/make-shop.js'
import { figuresOf } from '../results/measures.js'
import type { SectionResult } from '../results/result.js'
import type { Target } from '../results/target.js'
import type { Section, SectionContext } from './section.js'
import { describeSettings, settingsFor } from './settings.js'
import { only } from './store-entries.js'
import { targetsOf } from './targets-of.js'

const VISITORS = 64

/** Servers that save a session with every request: what of the stores' figures a visitor notices. */
export const HTTP: Section = {
  name: 'http',
  summary: 'requests/s of Express and Fastify servers that save a session with each of them',
  plan(context) {
    const { entries, missing } = servers(context)
    const chosen = only(entries, context.only)
    const settings = settingsFor(context, {
      callers: VISITORS,
      lengths: {
        alone: { seconds: 2 },
        run: { rounds: 3, seconds: 0.8, warmUp: 1.2 },
        quick: { rounds: 1, seconds: 0.6, warmUp: 0.5 },
      },
    })
    return {
      steps: stepsOf(chosen, settings),
      run: async (surroundings) => {
        const results = await interleave(chosen, settings, surroundings)
        return {
          name: 'http',
          title: 'Requests to a server that saves with each of them',
          about: [
            `A shop in one process, its visitors (autocannon) in another one, each with a connection and a cookie of his own: ${describeSettings(settings)}.`,
            'Express: express-session, resave: true, or our middleware, saveEveryRequest: true. Fastify: @fastify/session, which saves with every request by default; its memory store keeps the very objects.',
            'After each round every session in the store has to be what the last answer to its visitor said.',
          ],
          command: 'npm run bench -- http',
          missing,
          groups: [
            {
              title: `On the disk (${context.places.disk.fileSystem.name}), where there is one`,
              measures: [
                'perSecond',
                'loopBusy',
                'loopDelayMilliseconds',
                'processMicroseconds',
                'serverMicroseconds',
                'p50Milliseconds',
                'p99Milliseconds',
                'p999Milliseconds',
                'peakMemoryMebibytes',
              ],
              charts: ['perSecond', 'p99Milliseconds'],
              lines: results.map(({ entry: { id, label }, rounds }) => ({
                id,
                label,
                figures: figuresOf(rounds),
              })),
            },
          ],
          targets: httpTargets(results),
        } satisfies SectionResult
      },
    }
  },
}

function servers({ places: { disk, tmpfs }, thoroughness }: SectionContext): {
  readonly entries: Entry[]
  readonly missing: string[]
} {
  const journal = { durability: 'journal' } as const
  const entries = [
    server('memory-store', 'Express, MemoryStore', undefined, () => ({
      framework: 'express',
      store: { kind: 'memory-store' },
    })),
    server('journal', 'Express, coatcheck journal', disk, (directory) => ({
      framework: 'express',
      store: { kind: 'coatcheck-express', directory, ...journal },
    })),
    server('middleware', 'Express, coatcheck journal, our middleware', disk, (directory) => ({
      framework: 'middleware',
      store: { directory, ...journal },
    })),
    server('journal-fsync', 'Express, coatcheck journal + fsync', disk, (directory) => ({
      framework: 'express',
      store: { kind: 'coatcheck-express', directory, ...journal, fsync: true },
    })),
    server('direct', 'Express, coatcheck direct', disk, (directory) => ({
      framework: 'express',
      store: { kind: 'coatcheck-express', directory },
    })),
    server('session-file-store', 'Express, session-file-store', disk, (directory) => ({
      framework: 'express',
      store: { kind: 'session-file-store', directory },
    })),
    server('fastify-memory', 'Fastify, its memory store', undefined, () => ({
      framework: 'fastify',
      store: { kind: 'memory-store' },
    })),
    server('fastify-journal', 'Fastify, coatcheck journal', disk, (directory) => ({
      framework: 'fastify',
      store: { kind: 'coatcheck', directory, ...journal },
    })),
    server('middleware-direct', 'Express, coatcheck direct, our middleware', disk, (directory) => ({
      framework: 'middleware',
      store: { directory },
    })),
  ]
  const missing: string[] = []
  if (hasRedisServer()) entries.push(...redisServers(tmpfs ?? disk))
  else
    missing.push(
      'left out: connect-redis and ours on Redis, for there is no redis-server on the PATH; on Debian: apt install redis-server',
    )
  const shown = thoroughness === 'quick' ? entries.filter(({ id }) => QUICK.includes(id)) : entries
  return { entries: shown, missing }
}

function redisServers(home: Place): Entry[] {
  const directory = (name: string): string => `${home.directory}/http-${name}`
  return [
    server('connect-redis', 'Express, connect-redis, no persistence', undefined, () => ({
      framework: 'express',
      store: { kind: 'connect-redis', directory: directory('connect-redis') },
    })),
    server('redis', 'Express, coatcheck redis, no persistence', undefined, () => ({
      framework: 'express',
      store: { kind: 'coatcheck-redis-express', directory: directory('redis') },
    })),
    server('fastify-redis', 'Fastify, connect-redis, no persistence', undefined, () => ({
      framework: 'fastify',
      store: { kind: 'connect-redis', directory: directory('fastify-redis') },
    })),
  ]
}

const QUICK = ['memory-store', 'journal@disk', 'connect-redis', 'session-file-store@disk']

function server(
  name: string,
  label: string,
  place: Place | undefined,
  describe: (directory: string) => ServerDescription,
): Entry {
  const id = place === undefined ? name : `${name}@${place.name}`
  const description: ContestantDescription = {
    kind: 'http',
    ...describe(place === undefined ? '' : `${place.directory}/http-${name}`),
  }
  return { id, label, description }
}

function httpTargets(results: readonly EntryResults[]): Target[] {
  const rate = targetsOf(results, { what: 'requests/s', reading: (round) => round.perSecond })
  const least = (goal: number, id: string, toId: string): Target => rate({ least: goal }, id, toId)
  return [
    least(0.9, 'journal@disk', 'memory-store'),
    least(1, 'journal@disk', 'connect-redis'),
    least(1, 'redis', 'connect-redis'),
    least(3, 'journal@disk', 'session-file-store@disk'),
    least(1, 'middleware@disk', 'journal@disk'),
    least(1, 'middleware-direct@disk', 'direct@disk'),
    least(0.9, 'fastify-journal@disk', 'fastify-memory'),
    least(1, 'fastify-journal@disk', 'fastify-redis'),
  ]
}
