import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { Stage } from './stage.js'

const test = suite('redis: clusters that are opened while something is wrong with them')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const KEYS = Array.from({ length: 30 }, (_, index) => `key${index}`)

withServer(test, 'one opens though the first node that it is asked at stands still', async () => {
  await using stage = new Stage()
  const cluster = await stage.cluster({})
  const still = (await cluster.describe()).find(({ role }) => role === 'replica')
  assert.ok(still)
  cluster.serverAt(still.port).pause()
  const { host, port } = still
  const nodes = [{ host, port }, ...cluster.nodes.filter((node) => node.port !== port)]
  const engine = stage.engine({ nodes, cluster: true })
  await engine.ready()
  await Promise.all(KEYS.map((key) => engine.save(key, { key })))
  for (const key of KEYS) assert.equal(await engine.load(key), { key })
})

withServer(
  test,
  'one opens though a master was just killed, whose replica serves its sessions then',
  async () => {
    await using stage = new Stage()
    const cluster = await stage.cluster({})
    const { nodes } = cluster
    const servers = { nodes, cluster: true, commandTimeout: 30_000 }
    const before = stage.engine({ ...servers, acknowledge: { replicas: 1, timeoutMs: 10_000 } })
    await Promise.all(KEYS.map((key) => before.save(key, { key })))
    await cluster.servers[0]?.stop()
    const engine = stage.engine(servers)
    await engine.ready()
    const found = await Promise.all(KEYS.map((key) => engine.load(key)))
    assert.equal(
      found,
      KEYS.map((key) => ({ key })),
    )
  },
)

test.run()
