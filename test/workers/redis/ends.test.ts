import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { composeExpiry, EXPIRY_OFFSET } from '#dist/workers/record/record.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: sessions that have ended by the clock of whoever asks')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

withServer(test, 'one that the server still has is not there, and no touch brings it back', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  const { ask } = await stage.client(server.port)
  const engine = stage.engine({ nodes: [`${HOST}:${server.port}`] })
  await engine.save('key', {}, { maxAge: 600 })
  // As if the server's clock were behind ours.
  const past = Buffer.from(composeExpiry(Date.now() - 1000))
  await ask('SETRANGE', 'coatcheck:key', `${EXPIRY_OFFSET}`, past)
  assert.is(await ask('EXISTS', 'coatcheck:key'), 1)
  assert.is(await engine.load('key'), undefined)
  assert.is(await engine.exists('key'), false)
  assert.is(await engine.touch('key', { maxAge: 600 }), false)
  assert.is(await engine.load('key'), undefined)
  assert.is(await engine.exists('key'), false)
})

test.run()
