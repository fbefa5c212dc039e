import { SessionEngine } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RedisCluster } from '../fixtures/redis/redis-cluster.js'
import { hasRedisServer, RedisServer } from '../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'
import { EngineProcess } from './engine-process.js'

const creation = suite('creates of 4 processes on Redis')
const withServers = skipUnless(hasRedisServer(), 'needs redis-server')

const PROCESSES = 4
const KEYS = Array.from({ length: 500 }, (_, index) => `session-${index}`)

/** All processes create all keys at once; exactly one wins each, and the stored session is the winner's. */
async function race(servers: RedisOptions): Promise<void> {
  const processes = await EngineProcess.openAll(PROCESSES, { servers })
  try {
    const outcomes = await Promise.all(
      processes.map((remote, winner) =>
        remote.run(KEYS.map((key) => ({ method: 'create', key, session: { winner, key } }))),
      ),
    )
    const engine = new SessionEngine({ storage: redis(servers), threads: 1 })
    await Promise.all(
      KEYS.map(async (key, at) => {
        const settled = outcomes.map((outcome) => outcome[at])
        const winners = settled.flatMap((one, index) => (one !== undefined && 'value' in one ? [index] : []))
        assert.is(winners.length, 1, `${key} has the winners ${winners}`)
        for (const one of settled)
          if (one !== undefined && 'error' in one) assert.is(one.error, 'CreateError')
        assert.equal(await engine.load(key), { winner: winners[0], key })
      }),
    )
    assert.is(await engine.count(), KEYS.length)
    await engine.close()
    await Promise.all(processes.map((remote) => remote.close()))
  } finally {
    await Promise.all(processes.map((remote) => remote.kill()))
  }
}

withServers(creation, 'one wins each key of a server', async () => {
  const server = new RedisServer({ directory: temporaryDirectory('memory') })
  await server.start()
  await race({ nodes: [`127.0.0.1:${server.port}`] })
  await server.stop()
})

withServers(creation, 'one wins each key of a cluster', async () => {
  const cluster = new RedisCluster(temporaryDirectory('memory'))
  try {
    await cluster.start()
    await race({ nodes: cluster.nodes, cluster: true })
  } finally {
    await cluster.stop()
  }
})

creation.run()
