import { once } from 'node:events'
import { type SealOptions, SessionEngine } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { createClient } from 'redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Passage } from '../../fixtures/redis/proxy.js'
import { RedisCluster, until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer, RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'
import { Stage } from './stage.js'

const test = suite('redis: sealing anew')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const OLD = 'the key of old days, long enough'
const NEW = 'the key from now on, as long too'
const OTHER = 'one of whoever sits at that table'

function engineOn(servers: RedisOptions, ...keys: SealOptions['keys'][number][]): SessionEngine {
  return new SessionEngine({ storage: redis(servers), threads: 1, seal: { keys } })
}

async function sealAnew(servers: RedisOptions): Promise<void> {
  const keys = Array.from({ length: 1500 }, (_, index) => `key${index}`)
  const former = engineOn(servers, OLD)
  await Promise.all(keys.map((key) => former.save(key, { key }, { maxAge: 600 })))
  await former.close()
  const stranger = engineOn(servers, OTHER)
  await stranger.save('strange', { a: 1 })
  await stranger.close()
  const both = engineOn(servers, NEW, OLD)
  await both.save('new', { a: 1 })
  const told = once(both, 'corrupt')
  const { resealed, refused } = await both.clearExpired({ reseal: true })
  assert.equal({ resealed, refused }, { resealed: keys.length, refused: 1 })
  assert.match((await told)[0].reason, /seal/)
  assert.is((await both.clearExpired({ reseal: true })).resealed, 0)
  await both.close()
  const next = engineOn(servers, NEW)
  for (const key of keys) assert.equal(await next.load(key), { key })
  await next.close()
  const again = engineOn(servers, OTHER)
  assert.equal(await again.load('strange'), { a: 1 })
  await again.close()
}

withServer(test, 'on a server, of each session, which ends when it would have', async () => {
  const server = new RedisServer({ directory: temporaryDirectory('memory') })
  await server.start()
  await sealAnew({ nodes: [`127.0.0.1:${server.port}`] })
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
  await client.connect()
  const left = await client.pTTL('coatcheck:key0')
  assert.ok(left > 0 && left <= 600_000, `${left}`)
  client.destroy()
  await server.stop()
})

withServer(test, 'on a cluster', async () => {
  const cluster = new RedisCluster(temporaryDirectory('memory'))
  try {
    await cluster.start({ replicas: 0 })
    await sealAnew({ nodes: cluster.nodes, cluster: true })
  } finally {
    await cluster.stop()
  }
})

withServer(test, 'one that is touched meanwhile is sealed anew all the same', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  const direct = { nodes: [`127.0.0.1:${server.port}`] }
  await using former = engineOn(direct, OLD)
  await former.save('key', { a: 1 }, { maxAge: 600 })
  let held: Passage | undefined
  // Between the look at the session and the swap.
  const { url } = await stage.proxy(server.port, {
    heard: (bytes, passage) => {
      if (held !== undefined || !bytes.includes('EVALSHA')) return
      held = passage
      passage.hold()
    },
  })
  await using both = engineOn({ url, commandTimeout: 60_000 }, NEW, OLD)
  const sweep = both.clearExpired({ reseal: true })
  await until(async () => {
    // What is held is heard in a turn of this event loop.
    await new Promise((resolve) => setImmediate(resolve))
    return held !== undefined
  })
  assert.is(await former.touch('key', { maxAge: 900 }), true)
  await held?.release()
  assert.is((await sweep).resealed, 1)
  await using next = engineOn(direct, NEW)
  assert.equal(await next.load('key'), { a: 1 })
})

test.run()
