import { once } from 'node:events'
import type { CorruptNotice, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: users who may do what the manual says')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** As docs/redis.md has it. */
const RIGHTS = ['+@read', '+@write', '+@scripting', '+@connection', '+info', '~coatcheck:*', '~{coatcheck:*']
const CLUSTER_RIGHTS = ['+cluster|slots', '+cluster|info']
const PASSWORD = 'password'

function user(rights: readonly string[]): string[] {
  return ['ACL', 'SETUSER', 'app', 'reset', 'on', `>${PASSWORD}`, ...rights]
}

/** Everything that an engine can do. */
async function doAll(engine: SessionEngine): Promise<void> {
  await engine.create('created', { version: 1 })
  await engine.save('saved', { version: 1 })
  await engine.update('saved', { version: 2 })
  const found = await engine.loadVersion('saved')
  assert.ok(found)
  await engine.replace('saved', { version: 3 }, found.version)
  assert.is(await engine.touch('saved'), true)
  assert.equal(await engine.load('saved'), { version: 3 })
  await engine.delete('created')
  assert.is(await engine.exists('created'), false)
  assert.is(await engine.count(), 1)
  await engine.clear()
  assert.is(await engine.count(), 0)
}

withServer(test, 'one of a server and its replica can do everything', async () => {
  await using stage = new Stage()
  const server = await stage.server('--repl-diskless-sync-delay', '0')
  await stage.replicaOf(server)
  const { ask } = await stage.client(server.port)
  await ask(...user(RIGHTS))
  const engine = stage.engine({
    url: `redis://app:${PASSWORD}@${HOST}:${server.port}`,
    acknowledge: { replicas: 1, timeoutMs: 10_000 },
  })
  await doAll(engine)
  await engine.save('damaged', {})
  await ask('SETRANGE', 'coatcheck:damaged', '44', '~')
  const told = once(engine, 'corrupt')
  assert.is(await engine.load('damaged'), undefined)
  const [{ keptAs }] = (await told) as [CorruptNotice]
  assert.is(await ask('EXISTS', `{coatcheck:damaged}.${keptAs}`), 1)
})

withServer(test, 'one of a cluster can do everything', async () => {
  await using stage = new Stage()
  const cluster = await stage.cluster({ replicas: 0 })
  for (const { port } of cluster.nodes) {
    const { ask } = await stage.client(port)
    await ask(...user([...RIGHTS, ...CLUSTER_RIGHTS]))
  }
  const access = { username: 'app', password: PASSWORD }
  await doAll(stage.engine({ nodes: cluster.nodes, cluster: true, ...access }))
})

test.run()
