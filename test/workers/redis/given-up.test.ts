import { SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectionMemory, Opcode } from '#dist/workers/protocol/index.js'
import { rejection } from '../../conformance/rejections.js'
import { dyingRedis } from '../../fixtures/redis/dying-redis.js'
import type { Passage } from '../../fixtures/redis/proxy.js'
import { until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { applied } from './batch.js'
import { Stage } from './stage.js'

const test = suite('redis: saves that were given up')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** What a session says that does not come through. */
const GIVEN_UP = 'given up'
const CONFIRMED = 'confirmed'
/** Turns of an event loop in which a thread has sent what it is given. */
const ENOUGH = 20
/** Milliseconds: each test waits for it once. */
const TIMEOUT = 2000

/** A server behind a line on which what comes behind the session that is given up stays, and it, until it is released. */
async function slowLine(stage: Stage) {
  const server = await stage.server()
  const held: Passage[] = []
  const line = await stage.proxy(server.port, {
    heard: (bytes, passage) => {
      if (!bytes.includes(GIVEN_UP)) return
      passage.hold()
      held.push(passage)
    },
  })
  const release = async (): Promise<void> => {
    assert.is(held.length, 1)
    await held[0]?.release()
  }
  return { ...line, server, release }
}

withServer(test, 'one never overwrites what was confirmed later on another connection', async () => {
  await using stage = new Stage()
  const { proxy, url, release } = await slowLine(stage)
  const engine = stage.engine({ url, commandTimeout: TIMEOUT, connectionsPerWorker: 2 })
  await engine.ready()
  const { errno } = await rejection(engine.save('key', { saying: GIVEN_UP }), StorageError)
  assert.is(errno, 'ETIMEDOUT')
  await engine.save('key', { saying: CONFIRMED })
  // It was there all the time, and had nothing to do with the one that was lost.
  assert.is(proxy.passages.length, 2)
  await release()
  assert.equal(await engine.load('key'), { saying: CONFIRMED })
})

withServer(test, 'one never overwrites what was confirmed later in another thread', async () => {
  await using stage = new Stage()
  const { url, server, release } = await slowLine(stage)
  const memory = connectionMemory()
  const options = { url, commandTimeout: TIMEOUT }
  const [one, other] = [await stage.storage(options, memory), await stage.storage(options, memory)]
  const save = { opcode: Opcode.SAVE, key: 'key' }
  assert.equal(await applied(one, { ...save, payload: GIVEN_UP }), ['ETIMEDOUT'])
  assert.equal(await applied(other, { ...save, payload: CONFIRMED }), [])
  await release()
  const { ask } = await stage.client(server.port)
  assert.match(String(await ask('GET', 'coatcheck:key')), CONFIRMED)
})

withServer(test, 'one that was done when it was sent once more is not done again later', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  const { proxy, url } = await stage.proxy(server.port, {
    heard: (bytes, passage) => {
      if (passage.number > 1 || !bytes.includes(GIVEN_UP)) return
      passage.hold()
      passage.sever()
    },
  })
  const engine = stage.engine({ url })
  await engine.save('key', { saying: GIVEN_UP })
  assert.is(proxy.passages.length, 2)
  await engine.save('key', { saying: CONFIRMED })
  await proxy.passages[0]?.release()
  assert.equal(await engine.load('key'), { saying: CONFIRMED })
})

withServer(test, 'what a thread had sent that died is not done later than what came after it', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  let isHeld = false
  const { proxy, url } = await stage.proxy(server.port, {
    heard: (bytes, passage) => {
      if (passage.number > 1 || !bytes.includes(GIVEN_UP)) return
      passage.hold()
      isHeld = true
    },
  })
  const { storage, allow } = dyingRedis({ url, commandTimeout: 20_000 }, { key: 'key', times: 1 }, ENOUGH)
  await using engine = new SessionEngine({ storage, threads: 1 })
  await engine.ready()
  allow(1)
  await engine.save('key', { saying: GIVEN_UP })
  assert.is(engine.stats().workers.restarts, 1)
  assert.ok(isHeld, 'it had sent it when it died')
  await engine.save('key', { saying: CONFIRMED })
  await proxy.passages[0]?.release()
  assert.equal(await engine.load('key'), { saying: CONFIRMED })
})

withServer(test, 'a connection that falls silent while it ends a lost one is given up, too', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  const { proxy, url } = await stage.proxy(server.port, {
    heard: (bytes, passage) => {
      if (passage.number === 1 && bytes.includes(GIVEN_UP)) passage.sever()
      if (passage.number === 2 && bytes.includes('KILL')) passage.hold()
    },
  })
  const engine = stage.engine({ url, commandTimeout: TIMEOUT })
  await rejection(engine.save('key', { saying: GIVEN_UP }), StorageError)
  assert.is(proxy.passages.length, 2)
  // However slow the machine is, one of them is in time.
  await until(() => savedBy(engine))
  assert.ok(proxy.passages.length > 2)
  assert.equal(await engine.load('key'), { saying: CONFIRMED })
})

function savedBy(engine: SessionEngine): Promise<boolean> {
  return engine.save('key', { saying: CONFIRMED }).then(
    () => true,
    () => false,
  )
}

test.run()
