import { type SealOptions, SessionEngine } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import fc from 'fast-check'
import { suite } from 'uvu'
import { budget } from '../budget.js'
import { RedisCluster } from '../fixtures/redis/redis-cluster.js'
import { hasRedisServer, RedisServer } from '../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { checkSteps, randomSteps } from './model-runs.js'

const test = suite('engine on Redis: random concurrent operations against a sequential model')
const withServers = skipUnless(hasRedisServer(), 'needs redis-server')

const single = new RedisServer({ directory: temporaryDirectory('memory') })
const cluster = new RedisCluster(temporaryDirectory('memory'))
test.before(async () => {
  if (!hasRedisServer()) return
  await single.start()
  await cluster.start()
})
test.after(async () => {
  await single.stop()
  await cluster.stop()
})

const SEAL: SealOptions = { keys: ['a key that is as long as it has to be'] }

const VARIANTS: readonly {
  readonly name: string
  readonly servers: () => RedisOptions
  readonly threads: number
  readonly seal?: SealOptions
  readonly runs: number
}[] = [
  { name: 'one server', servers: () => ({ nodes: [`127.0.0.1:${single.port}`] }), threads: 2, runs: 200 },
  {
    name: 'one server, two connections, sealed',
    servers: () => ({ nodes: [`127.0.0.1:${single.port}`], connectionsPerWorker: 2 }),
    threads: 1,
    seal: SEAL,
    runs: 100,
  },
  { name: 'a cluster', servers: () => ({ nodes: cluster.nodes, cluster: true }), threads: 2, runs: 150 },
  {
    name: 'a cluster, replicas',
    servers: () => ({
      nodes: cluster.nodes,
      cluster: true,
      acknowledge: { replicas: 1, timeoutMs: 4000 },
      commandTimeout: 20_000,
    }),
    threads: 1,
    runs: 60,
  },
]

for (const [index, { name, servers, threads, seal, runs }] of VARIANTS.entries()) {
  withServers(test, name, async () => {
    const engine = new SessionEngine({
      storage: redis({ ...servers(), prefix: `model-${index}:` }),
      threads,
      ...(seal === undefined ? {} : { seal }),
    })
    const property = fc.asyncProperty(randomSteps(3, true), async (run) => {
      // Each run starts from nothing, whatever became of the one before.
      await engine.flush()
      await engine.clear()
      await checkSteps(engine, run)
    })
    // A failure is shrunk, and its message tells the seed and the path to see it again.
    const numRuns = Math.ceil(runs / budget({ usual: 4, full: 1 }))
    await fc.assert(property, { numRuns, interruptAfterTimeLimit: 120_000 })
    await engine.close()
  })
}

test.run()
