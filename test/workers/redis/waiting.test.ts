import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Opcode } from '#dist/workers/protocol/index.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { applied } from './batch.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: operations that have waited for their turn')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const TIMEOUT = 60_000

withServer(
  test,
  'those that have waited longer than they may are given up, and nothing of them is sent',
  async () => {
    await using stage = new Stage()
    const server = await stage.server()
    const storage = await stage.storage({ nodes: [`${HOST}:${server.port}`], commandTimeout: TIMEOUT })
    const { ask } = await stage.client(server.port)
    const saves = async (): Promise<number> => {
      const calls = /^cmdstat_set:calls=(\d+)/m.exec(String(await ask('INFO', 'commandstats')))?.[1]
      return Number(calls ?? 0)
    }
    const save = { opcode: Opcode.SAVE, key: 'key' }
    assert.equal(await applied(storage, { ...save, age: TIMEOUT }), ['ETIMEDOUT'])
    assert.equal(await applied(storage, { ...save, age: TIMEOUT * 10 }), ['ETIMEDOUT'])
    assert.is(await saves(), 0)
    // What is left of its time is enough.
    assert.equal(await applied(storage, { ...save, age: TIMEOUT / 2 }), [])
    assert.is(await saves(), 1)
  },
)

test.run()
