import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../../fixtures/redis/free-port.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: servers that change their roles')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** Seconds. */
const [SHORT, LONG] = [1000, 5000]

withServer(test, 'saves, deletes and touches reach whoever is the master behind an address now', async () => {
  await using stage = new Stage()
  const former = await stage.server('--repl-diskless-sync-delay', '0')
  const next = await stage.replicaOf(former)
  const { proxy, url } = await stage.proxy(former.port)
  // Each has a connection to the former master, and comes upon its new role by what it does.
  const [saving, deleting, touching] = [stage.engine({ url }), stage.engine({ url }), stage.engine({ url })]
  for (const engine of [saving, deleting, touching]) await engine.ready()
  assert.is(proxy.passages.length, 3)
  const { ask } = await stage.client(next.port)
  await ask('REPLICAOF', 'NO', 'ONE')
  proxy.leadTo(next.port)
  // It never hears of what its master stores: a delete or a touch that it did not refuse would find nothing.
  await (await stage.client(former.port)).ask('REPLICAOF', HOST, `${await freePort()}`)
  const newcomer = stage.engine({ url })
  await newcomer.save('deleted', {})
  await newcomer.save('touched', {}, { maxAge: SHORT })
  await saving.save('saved', {})
  assert.is(await ask('EXISTS', 'coatcheck:saved'), 1)
  assert.is(await touching.touch('touched', { maxAge: LONG }), true)
  assert.ok(Number(await ask('TTL', 'coatcheck:touched')) > SHORT)
  await deleting.delete('deleted')
  assert.is(await ask('EXISTS', 'coatcheck:deleted'), 0)
})

test.run()
