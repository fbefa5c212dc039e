import { OverloadedError, SessionEngine, StorageError } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { createClient } from 'redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../../conformance/rejections.js'
import { until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer, RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'

const test = suite('redis: servers that go and come back')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const KEYS = Array.from({ length: 200 }, (_, index) => `key${index}`)

async function started(): Promise<RedisServer> {
  const server = new RedisServer({ directory: temporaryDirectory('memory') })
  await server.start()
  return server
}

function engineOn(server: RedisServer, commandTimeout: number): SessionEngine<{ version: number }> {
  const storage = redis({ url: `redis://127.0.0.1:${server.port}`, commandTimeout })
  return new SessionEngine<{ version: number }>({ storage, threads: 2 })
}

withServer(test, 'what is issued while a server is started anew is done when it is there', async () => {
  const server = await started()
  const engine = engineOn(server, 30_000)
  await Promise.all(KEYS.map((key) => engine.save(key, { version: 1 })))
  // Of each of two threads.
  assert.equal(engine.stats().connections, { open: 2, retries: 0, reconnects: 0 })
  const during = KEYS.map((key) => engine.save(key, { version: 2 }))
  await server.stop()
  const after = KEYS.map((key) => engine.save(key, { version: 3 }))
  await server.start()
  await Promise.all([...during, ...after])
  for (const key of KEYS) assert.equal(await engine.load(key), { version: 3 })
  assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
  // One more walks.
  assert.is(await engine.count(), KEYS.length)
  const { open, retries = 0, reconnects = 0 } = engine.stats().connections ?? {}
  assert.is(open, 3)
  assert.ok(retries > 0)
  assert.is(reconnects, 2)
  await engine.close()
  assert.is(engine.stats().connections?.open, 0)
  await server.stop()
})

withServer(test, 'what is not done in time rejects, all of it, and what comes later is done', async () => {
  const server = await started()
  const engine = engineOn(server, 2000)
  await engine.save('key', { version: 1 })
  await server.stop()
  const calls = KEYS.map((key) => rejection(engine.save(key, { version: 2 }), StorageError))
  for (const { errno, message } of await Promise.all(calls)) {
    assert.match(errno, /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT)$/)
    assert.not.match(message, 'key')
  }
  assert.equal(engine.stats().pending, { operations: 0, bytes: 0 })
  await server.start()
  // However slow the machine is, one of them is in time.
  await until(() =>
    engine.save('key', { version: 3 }).then(
      () => true,
      () => false,
    ),
  )
  await until(async () => (await engine.load('key').catch(() => undefined))?.version === 3)
  await engine.close()
  await server.stop()
})

withServer(
  test,
  'a server that stood still ends what was given up before it hears of anything else',
  async () => {
    const server = await started()
    const engine = engineOn(server, 4000)
    await engine.save('key', { version: 1 })
    server.pause()
    const { errno } = await rejection(engine.save('key', { version: 2 }), StorageError)
    assert.is(errno, 'ETIMEDOUT')
    const later = engine.save('key', { version: 3 })
    server.resume()
    await later
    assert.equal(await engine.load('key'), { version: 3 })
    const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
    await client.connect()
    assert.match(String(await client.info('commandstats')), /cmdstat_client\|kill:calls=[1-9]/)
    client.destroy()
    await engine.close()
    await server.stop()
  },
)

withServer(test, 'what waits for a server that is away is bounded', async () => {
  const server = await started()
  const storage = redis({ url: `redis://127.0.0.1:${server.port}`, commandTimeout: 30_000 })
  const maxPending = { operations: KEYS.length }
  const engine = new SessionEngine<{ version: number }>({ storage, threads: 1, maxPending })
  await engine.ready()
  server.pause()
  const waiting = KEYS.map((key) => engine.save(key, { version: 1 }))
  await rejection(engine.save('one more', { version: 1 }), OverloadedError)
  assert.is(engine.stats().pending.operations, KEYS.length)
  server.resume()
  await Promise.all(waiting)
  await engine.save('one more', { version: 1 })
  assert.is(await engine.count(), KEYS.length + 1)
  await engine.close()
  await server.stop()
})

withServer(test, 'creates whose connections are lost find their own records', async () => {
  const server = await started()
  const engine = engineOn(server, 30_000)
  const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
  await client.connect()
  let created = 0
  const creating = Promise.all(
    Array.from({ length: 32 }, async (_, caller) => {
      for (let index = 0; index < 400; index++) {
        // The server may have done it when it ends the connection: that is no other session.
        await engine.create(`${caller}-${index}`, { version: index })
        created++
      }
    }),
  ).then(() => true)
  for (let isOver: unknown = false; isOver !== true; ) {
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
    isOver = await Promise.race([creating, client.sendCommand(['PING'])])
    const before = created
    while (isOver !== true && created === before) isOver = await Promise.race([creating, client.ping()])
  }
  assert.is(await engine.count(), 32 * 400)
  client.destroy()
  await engine.close()
  await server.stop()
})

test.run()
