import { type CoatcheckError, UnconfirmedError } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { createClient } from 'redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  ConnectionTally,
  connectionMemory,
  Opcode,
  type WorkerStorage,
} from '#dist/workers/protocol/index.js'
import { openStorage } from '#dist/workers/redis/index.js'
import type { RedisWorkerOptions } from '#dist/workers/redis/options.js'
import { rejection } from '../../conformance/rejections.js'
import { until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer, RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'
import { applied } from './batch.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: what replicas have to have')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

withServer(test, 'what a replica that stands still cannot have is never confirmed', async () => {
  const master = new RedisServer({
    directory: temporaryDirectory('memory'),
    words: ['--repl-diskless-sync-delay', '0'],
  })
  const port = await master.start()
  const following = ['--replicaof', HOST, `${port}`]
  const replica = new RedisServer({ directory: temporaryDirectory('memory'), words: following })
  await replica.start()
  const client = createClient({ socket: { host: HOST, port } })
  await client.connect()
  await until(async () => /state=online/.test(String(await client.info('replication'))))
  const { options } = redis({
    url: `redis://${HOST}:${port}`,
    acknowledge: { replicas: 1, timeoutMs: 20 },
    commandTimeout: 30_000,
  })
  const tally = new ConnectionTally(connectionMemory(), { pool: 1, thread: 1 })
  const before = await openStorage(options as RedisWorkerOptions, tally)
  // A replica that has just come may need longer than it is given.
  for (const key of ['deleted', 'replaced'])
    await until(async () => (await outcome(before, 0, Opcode.SAVE, key)).length === 0)
  replica.pause()
  const calls = [
    [Opcode.CREATE, 'created'],
    [Opcode.REPLACE, 'replaced'],
    [Opcode.DELETE, 'deleted'],
    [Opcode.SAVE, 'saved'],
  ] as const
  // The first worker dies when it has done it; the next has connections that have written nothing, for which any replica is good enough.
  for (const attempt of [0, 1]) {
    const next = attempt === 0 ? before : await openStorage(options as RedisWorkerOptions, tally)
    for (const [opcode, key] of calls)
      assert.equal(await outcome(next, attempt, opcode, key), ['UNCONFIRMED'], `${key}, attempt ${attempt}`)
    await next.close()
  }
  replica.resume()
  // What the lost connection has done is confirmed by a write on the new one; of a delete there is nothing left to write to.
  const again = await openStorage(options as RedisWorkerOptions, tally)
  const renewals = async (): Promise<number> => {
    const statistics = String(await client.info('commandstats'))
    return Number(/cmdstat_pexpire:calls=(\d+)/.exec(statistics)?.[1])
  }
  for (const [opcode, key] of calls.slice(0, 2)) {
    const before = await renewals()
    await until(async () => (await outcome(again, 1, opcode, key)).length === 0)
    assert.ok((await renewals()) > before, key)
  }
  assert.equal(await outcome(again, 1, Opcode.DELETE, 'deleted'), ['UNCONFIRMED'])
  assert.equal(await outcome(again, 0, Opcode.DELETE, 'deleted'), [])
  await again.close()
  client.destroy()
  await replica.stop()
  await master.stop()
})

/** The failures of an operation: one that replaces finds what the first save has stored. */
function outcome(storage: WorkerStorage, attempt: number, opcode: Opcode, key: string): Promise<string[]> {
  const standing = opcode === Opcode.REPLACE ? `${Opcode.SAVE} ${key}` : undefined
  return applied(storage, { opcode, key, attempt, payload: `${opcode} ${key}`, standing })
}

withServer(test, 'what replicas have not confirmed rejects as that, and so does a clear', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  const url = `redis://${HOST}:${server.port}`
  const engine = stage.engine({ url, acknowledge: { replicas: 1, timeoutMs: 1 } })
  // There is nothing to be confirmed yet.
  await engine.clear()
  const error: CoatcheckError = await rejection(engine.save('key', { version: 1 }), UnconfirmedError)
  assert.match(error.message, /not confirmed/)
  // What changes nothing needs no confirmation.
  assert.is(await engine.touch('missing'), false)
  assert.equal(await engine.load('key'), { version: 1 })
  await rejection(engine.clear(), UnconfirmedError)
  assert.is(await engine.load('key'), undefined)
})

test.run()
