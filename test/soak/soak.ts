import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { files, SessionEngine } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { RedisServer } from '../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { footprintOf } from './footprint.js'
import type { Ledger, SoakMessage, SoakOptions } from './messages.js'
import { type Bounds, problemsOf, type Sample } from './samples.js'
import { isVersion, type Visit } from './visitor.js'

/** Milliseconds after which litter that no sweep takes away is there for good. */
const PATIENCE = 10_000

/** Options of {@link soak}. */
export type SoakRun = Pick<
  SoakOptions,
  'storage' | 'visitors' | 'sessions' | 'strangers' | 'requests' | 'rounds' | 'atLeast' | 'lives'
> & {
  readonly where: 'disk' | 'memory'
  readonly bounds: Bounds
  readonly onSample?: (sample: Sample) => void
}

/** What became of a soak. */
export interface SoakResult {
  readonly samples: readonly Sample[]
  /** Sessions that were there at the end. */
  readonly sessions: number
  readonly problems: readonly string[]
}

/** Lets a process serve visitors; looks, in this one, at what it has left. */
export async function soak({ where, bounds, onSample, ...run }: SoakRun): Promise<SoakResult> {
  const parent = temporaryDirectory(where)
  const server = run.storage === 'redis' ? new RedisServer({ directory: parent }) : undefined
  await server?.start()
  const options: SoakOptions = {
    ...run,
    directory: join(parent, 'sessions'),
    log: join(parent, 'deaths'),
    ...(server && { servers: { nodes: [`127.0.0.1:${server.port}`] } }),
  }
  writeFileSync(options.log, '')
  const samples: Sample[] = []
  let end: (SoakMessage & { kind: 'end' }) | undefined
  const child = fork(new URL('soak-child.js', import.meta.url), [JSON.stringify(options)], {
    execArgv: ['--expose-gc'],
    // Hundreds of threads that die would each write what they have covered.
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  })
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  child.on('message', (message: SoakMessage) => {
    if (message.kind === 'end') end = message
    else {
      samples.push(message.sample)
      onSample?.(message.sample)
      if (server !== undefined) void server.endConnections()
    }
  })
  const [code] = (await once(child, 'close')) as [number | null]
  process.off('exit', stop)
  const problems = problemsOf(samples, bounds)
  if (code !== 0 || end === undefined) {
    await server?.stop()
    problems.push(`the process ended early, with ${code}`)
    return { samples, sessions: 0, problems }
  }
  const found = await findIn(options, end.ledger)
  await server?.stop()
  problems.push(...end.problems, ...found.problems)
  return { samples, sessions: found.sessions, problems }
}

/** What another process finds: every acknowledged save, nothing that was deleted, and no litter. */
async function findIn(
  { directory, servers }: SoakOptions,
  ledger: Ledger,
): Promise<Omit<SoakResult, 'samples'>> {
  const problems: string[] = []
  await using engine = new SessionEngine<Visit>({
    storage: servers === undefined ? files({ directory, orphanGrace: 0 }) : redis(servers),
    sweepInterval: false,
  })
  engine.on('corrupt', ({ reason }) => problems.push(`corrupt: ${reason}`))
  const temporary = servers === undefined ? await sweepClean(engine, directory) : 0
  if (temporary > 0) problems.push(`${temporary} temporary files are left by every sweep`)
  const found = new Set<string>()
  for await (const key of engine.keys()) found.add(key)
  const lost = await Promise.all(
    ledger.map(async ({ key, saves }) => !isVersion(await engine.load(key), key, saves)),
  )
  const losses = lost.filter(Boolean).length
  if (losses > 0) problems.push(`${losses} of ${ledger.length} sessions are not as they were saved last`)
  const sessions = found.size
  for (const { key } of ledger) found.delete(key)
  if (found.size > 0) problems.push(`${found.size} sessions are back that were deleted`)
  return { sessions, problems }
}

/** Sweeps until nothing lies about: a claim is litter only when it is half a second old. Returns how much no sweep takes away. */
async function sweepClean(engine: SessionEngine<Visit>, directory: string): Promise<number> {
  const since = performance.now()
  for (;;) {
    await engine.clearExpired()
    const { temporary } = footprintOf(directory)
    if (temporary === 0 || performance.now() - since > PATIENCE) return temporary
  }
}
