import { suite } from 'uvu'
import { hasRedisServer, RedisServer } from '../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { redisSubject } from './redis-subject.js'
import { registerStorageConformance } from './storage-conformance.js'

const seal = {
  keys: ['a newest key, as long as it has to be', 'an older key, as long as it has to be'],
}

if (hasRedisServer()) {
  const server = new RedisServer({ directory: temporaryDirectory('memory') })
  const url = `redis://127.0.0.1:${await server.start()}`
  registerStorageConformance(redisSubject('redis', { url }))
  registerStorageConformance(
    redisSubject('redis, connections', { url, connectionsPerWorker: 2 }, { threads: 1 }),
  )
  registerStorageConformance(redisSubject('redis', { url }, { seal }))
} else {
  const test = suite('storage conformance: redis')
  skipUnless(false, 'needs redis-server')(test, 'every operation', () => undefined)
  test.run()
}
