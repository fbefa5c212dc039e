import { suite } from 'uvu'
import { RedisCluster } from '../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { redisSubject } from './redis-subject.js'
import { registerStorageConformance } from './storage-conformance.js'

if (hasRedisServer()) {
  const cluster = new RedisCluster(temporaryDirectory('memory'))
  await cluster.start()
  const acknowledge = { replicas: 1, timeoutMs: 4000 }
  const { nodes } = cluster
  registerStorageConformance(redisSubject('redis cluster', { nodes: nodes.slice(0, 1), cluster: true }))
  registerStorageConformance(
    redisSubject(
      'redis cluster, replicas',
      { nodes, cluster: true, acknowledge, commandTimeout: 20_000 },
      { threads: 1 },
    ),
  )
} else {
  const test = suite('storage conformance: redis cluster')
  skipUnless(false, 'needs redis-server')(test, 'every operation', () => undefined)
  test.run()
}
