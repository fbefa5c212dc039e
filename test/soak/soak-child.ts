import { readdirSync, statSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { SessionEngine, type StorageDescription, StorageError } from 'coatcheck'
import { dyingStorage } from '../fixtures/redis/dying-redis.js'
import { bytesOf, type Footprint, footprintOf } from './footprint.js'
import type { SoakMessage, SoakOptions } from './messages.js'
import { mortalFiles } from './mortal-files.js'
import type { Sample } from './samples.js'
import { type SoakEngine, type Visit, Visitor } from './visitor.js'

/*
 * An engine that serves visitors at full speed while its workers die, and tells what is left of it whenever all visitors
 * have made so many requests.
 */

const SWEEPS_A_ROUND = 4
/** A sweep whose worker has died is begun anew so often. */
const MOST_SWEEPS = 20

const options = JSON.parse(process.argv[2] ?? '') as SoakOptions
const { directory, storage: kind, servers, lives, log } = options
const problems: string[] = []
process.on('unhandledRejection', (reason) => problems.push(`unhandled rejection: ${reason}`))
process.on('warning', (warning) => problems.push(`warning: ${warning.message}`))
const stop = (): never => process.exit(1)
process.once('disconnect', stop)

function storageOf(): StorageDescription {
  if (servers !== undefined) return dyingStorage(servers, { log, shortestLife: lives.files })
  return mortalFiles(
    {
      directory,
      durability: kind === 'journal' ? 'journal' : 'direct',
      orphanGrace: 1,
      ...(kind === 'journal' && { checkpointInterval: 1, journalBytes: 2 ** 24 }),
    },
    lives,
    log,
  )
}

const engine: SoakEngine = new SessionEngine<Visit>({
  storage: storageOf(),
  threads: 2,
  sweepInterval: false,
})
engine.on('corrupt', ({ reason }) => problems.push(`corrupt: ${reason}`))
const startedAt = performance.now()
let journalBytes = 0

/** What only the death of its worker may break off. */
async function sweep(): Promise<boolean> {
  try {
    await engine.clearExpired()
    return true
  } catch (error) {
    if (error instanceof StorageError && /LOST/.test(String(error.errno))) return false
    throw error
  }
}

async function sweepWhole(): Promise<void> {
  for (let left = MOST_SWEEPS; !(await sweep()); left--)
    if (left === 0) throw new Error('no sweep comes to an end')
}

/** All visitors at once, with sweeps among them. */
async function serve(visitors: readonly Visitor[]): Promise<void> {
  let requests = 0
  const part = Math.ceil(options.requests / SWEEPS_A_ROUND)
  const sweeps: Promise<boolean>[] = []
  await Promise.all(
    visitors.map(async (visitor) => {
      for (let left = options.requests; left > 0; left -= part) {
        await visitor.request(Math.min(part, left))
        if (++requests % visitors.length !== 0) continue
        sweeps.push(sweep())
        journalBytes = Math.max(journalBytes, bytesOf(`${directory}/.journal`))
      }
    }),
  )
  await Promise.all(sweeps)
}

async function footprint(): Promise<Footprint> {
  return servers === undefined ? footprintOf(directory) : { temporary: 0, entries: await engine.count() }
}

async function sample(visitors: readonly Visitor[]): Promise<Sample> {
  await engine.flush({ files: true })
  const { temporary: litter } = await footprint()
  await sweepWhole()
  // What the first collection lets go of may hold more.
  for (let times = 2; times > 0; times--) {
    globalThis.gc?.()
    await turn()
  }
  const { pending } = engine.stats()
  const taken: Sample = {
    operations: visitors.reduce((sum, { operations }) => sum + operations, 0),
    milliseconds: performance.now() - startedAt,
    rssBytes: process.memoryUsage.rss(),
    heapBytes: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    litter,
    ...(await footprint()),
    journalBytes,
    deaths: statSync(log).size,
    pendingOperations: pending.operations,
    pendingBytes: pending.bytes,
  }
  journalBytes = 0
  return taken
}

function tell(message: SoakMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}

const visitors = Array.from({ length: options.visitors }, (_, index) => {
  return new Visitor(engine, `v${index}`, options.sessions, options.strangers)
})
await engine.ready()
for (let round = 0; round < options.rounds || performance.now() - startedAt < options.atLeast; round++) {
  await serve(visitors)
  await tell({ kind: 'sample', sample: await sample(visitors) })
}
await engine.close()
await tell({ kind: 'end', ledger: visitors.flatMap(({ ledger }) => ledger), problems })
process.off('disconnect', stop)
process.disconnect()
