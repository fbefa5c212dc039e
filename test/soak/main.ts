import { createLogUpdate } from 'log-update'
import { hasRedisServer } from '../fixtures/redis/redis-server.js'
import { DIRECT, JOURNAL, REDIS } from './profiles.js'
import type { Sample } from './samples.js'
import { type SoakResult, soak } from './soak.js'

/*
 * `npm run test:soak [minutes]`: all storages at once, 30 minutes or as many as are given. Ends with 1 when anything
 * was lost, or something grows.
 */

const minutes = Number(process.argv[2] ?? 30)
if (!(minutes > 0)) throw new TypeError('minutes: expected a number above 0')

const update = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined
const lines = new Map<string, string>()

function lineOf(name: string, sample: Sample): string {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  return [
    name.padEnd(8),
    `${Math.round(sample.milliseconds / 1000)} s`.padStart(7),
    `${sample.operations} operations`.padStart(22),
    `${sample.deaths} deaths`.padStart(12),
    `${mib(sample.rssBytes)} MiB`.padStart(11),
    `heap ${mib(sample.heapBytes)} MiB`.padStart(15),
    `${sample.descriptors} descriptors`.padStart(16),
    `${sample.litter} litter`.padStart(10),
    `${sample.temporary} temporary`.padStart(13),
    `${sample.entries} entries`.padStart(14),
    `journal ${mib(sample.journalBytes)} MiB`.padStart(18),
  ].join(' ')
}

function run(profile: typeof DIRECT): Promise<SoakResult> {
  return soak({
    ...profile,
    where: 'disk',
    requests: 100,
    rounds: 12,
    atLeast: minutes * 60_000,
    onSample(sample) {
      lines.set(profile.storage, lineOf(profile.storage, sample))
      update?.([...lines.values()].join('\n'))
    },
  })
}

process.once('SIGINT', () => process.exit(1))
const profiles = [DIRECT, JOURNAL, ...(hasRedisServer() ? [REDIS] : [])]
if (!profiles.includes(REDIS)) console.log('skipped: redis: needs redis-server')
const results = await Promise.all(profiles.map(run))
update?.clear()
for (const [index, { storage }] of profiles.entries()) {
  const { samples = [], problems = [], sessions = 0 } = results[index] ?? {}
  const every = process.argv.includes('--samples') ? 1 : Math.max(1, Math.floor(samples.length / 6))
  for (const [at, sample] of samples.entries()) {
    if (at % every === 0 || at === samples.length - 1) console.log(lineOf(storage, sample))
  }
  console.log(
    `${storage}: ${sessions} sessions at the end, ${samples.length} samples, ${problems.length} problems`,
  )
  for (const problem of problems) console.log(`  ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}
