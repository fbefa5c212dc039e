import { once } from 'node:events'
import { type Codec, json, SessionEngine, StorageError } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../../conformance/rejections.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: values that are no sessions')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** A byte of a payload, which was another one. */
const DAMAGE = ['SETRANGE', 'coatcheck:damaged', '44', '~'] as const

/** What is told of a value that is none. */
interface Notice {
  readonly reason: string
  readonly keptAs: string | undefined
}

async function serverAndEngine(stage: Stage) {
  const server = await stage.server()
  const { ask } = await stage.client(server.port)
  const url = `redis://${HOST}:${server.port}`
  return { server, ask, url, engine: stage.engine({ url }) }
}

withServer(test, 'a value of another type is left untouched by every operation', async () => {
  await using stage = new Stage()
  const { ask, engine } = await serverAndEngine(stage)
  await ask('HSET', 'coatcheck:key', 'field', 'value')
  const version = 'AAAAAAAAAAAAAAAAAAAAAA'
  const calls: (() => Promise<unknown>)[] = [
    () => engine.load('key'),
    () => engine.exists('key'),
    () => engine.save('key', {}),
    () => engine.create('key', {}),
    () => engine.update('key', {}),
    () => engine.replace('key', {}, version as never),
    () => engine.touch('key'),
    () => engine.delete('key'),
    () => engine.save('key', {}, { maxAge: -1 }),
  ]
  for (const call of calls) assert.is((await rejection(call(), StorageError)).errno, 'WRONGTYPE')
  assert.equal(await ask('HGET', 'coatcheck:key', 'field'), 'value')
  assert.is(await ask('TTL', 'coatcheck:key'), -1)
  await engine.clear()
  assert.is(await ask('TYPE', 'coatcheck:key'), 'hash')
})

withServer(
  test,
  'another program’s text stays; a damaged record of ours makes room, and is kept',
  async () => {
    await using stage = new Stage()
    const { ask, engine } = await serverAndEngine(stage)
    const notices: Notice[] = []
    engine.on('corrupt', (notice) => notices.push(notice))
    await ask('SET', 'coatcheck:foreign', '{"cookie":{}}')
    assert.is(await engine.load('foreign'), undefined)
    assert.is(await ask('GET', 'coatcheck:foreign'), '{"cookie":{}}')
    await engine.save('damaged', { version: 1 })
    await ask(...DAMAGE)
    assert.is(await engine.load('damaged'), undefined)
    await engine.create('damaged', { version: 2 })
    assert.equal(await engine.load('damaged'), { version: 2 })
    assert.equal(
      notices.map(({ keptAs }) => keptAs === undefined),
      [true, false],
    )
    assert.is(await ask('EXISTS', `{coatcheck:damaged}.${notices[1]?.keptAs}`), 1)
  },
)

withServer(test, 'a damaged record stays where the user may use no other key', async () => {
  await using stage = new Stage()
  const { ask, server } = await serverAndEngine(stage)
  await ask('ACL', 'SETUSER', 'narrow', 'on', '>password', '~coatcheck:*', '+@all')
  const engine = stage.engine({ url: `redis://narrow:password@${HOST}:${server.port}` })
  await engine.save('damaged', { version: 1 })
  await ask(...DAMAGE)
  const told = once(engine, 'corrupt')
  assert.is(await engine.load('damaged'), undefined)
  const [{ keptAs }] = (await told) as [Notice]
  assert.is(keptAs, undefined)
  assert.equal(await ask('KEYS', '*'), ['coatcheck:damaged'])
})

withServer(test, 'what the codec cannot read makes room, and is kept', async () => {
  await using stage = new Stage()
  const { ask, url } = await serverAndEngine(stage)
  const refusing: Codec = {
    ...json(),
    name: 'refusing',
    id: 1234,
    decode: () => {
      throw new Error('never')
    },
  }
  await using engine = new SessionEngine({ storage: redis({ url }), threads: 1, codec: refusing })
  await engine.save('key', { version: 1 })
  const told = once(engine, 'corrupt')
  assert.is(await engine.load('key'), undefined)
  const [{ keptAs }] = (await told) as [Notice]
  assert.is(await ask('EXISTS', `{coatcheck:key}.${keptAs}`), 1)
  assert.is(await engine.exists('key'), false)
})

test.run()
