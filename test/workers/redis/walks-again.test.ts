import type { SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { Stage } from './stage.js'

const test = suite('redis: walks of an engine that has walked before')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const KEYS = Array.from({ length: 600 }, (_, index) => `key${index}`)

/** All kinds of walks meet all sessions. */
async function walkAll(engine: SessionEngine): Promise<void> {
  assert.is(await engine.count(), KEYS.length)
  const keys: string[] = []
  for await (const key of engine.keys()) keys.push(key)
  assert.equal(keys.sort(), KEYS.toSorted())
  await engine.clear()
  const found = await Promise.all(KEYS.map((key) => engine.load(key)))
  assert.is(found.filter((session) => session !== undefined).length, 0)
}

withServer(test, 'slots that moved to a master that had none are walked through', async () => {
  await using stage = new Stage()
  const words = ['--cluster-allow-replica-migration', 'no']
  const cluster = await stage.cluster({ replicas: 0, spares: 1, words })
  const engine = stage.engine({ nodes: cluster.nodes.slice(0, 1), cluster: true })
  await Promise.all(KEYS.map((key) => engine.save(key, {})))
  assert.is(await engine.count(), KEYS.length)
  const nodes = await cluster.describe()
  const spare = nodes.find(({ slots }) => slots === 0)
  const from = nodes.find(({ slots }) => slots > 0)
  assert.ok(spare && from)
  await cluster.cli([
    ...['--cluster', 'reshard', `${from.host}:${from.port}`, '--cluster-slots', '1000', '--cluster-yes'],
    ...['--cluster-from', from.id, '--cluster-to', spare.id],
  ])
  await cluster.agreed()
  const { ask } = await stage.client(spare.port)
  assert.ok(Number(await ask('DBSIZE')) > 0)
  await walkAll(engine)
  assert.is(await ask('DBSIZE'), 0)
})

withServer(test, 'a replica that has taken over is walked through', async () => {
  await using stage = new Stage()
  const cluster = await stage.cluster({})
  const servers = { nodes: cluster.nodes, cluster: true, commandTimeout: 30_000 }
  const filling = stage.engine({ ...servers, acknowledge: { replicas: 1, timeoutMs: 10_000 } })
  await Promise.all(KEYS.map((key) => filling.save(key, {})))
  const engine = stage.engine(servers)
  assert.is(await engine.count(), KEYS.length)
  // The last in the order of slots: walks come to it when they have met others.
  const gone = cluster.servers[2]
  await gone?.stop()
  await until(async () => {
    const nodes = await cluster.describe()
    const masters = nodes.filter(({ role, failed }) => role === 'master' && !failed)
    return masters.length === 3 && masters.every(({ port }) => port !== gone?.port)
  })
  await cluster.healthy()
  await walkAll(engine)
})

test.run()
