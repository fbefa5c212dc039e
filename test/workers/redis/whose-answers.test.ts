import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectionMemory, Opcode, readConnections } from '#dist/workers/protocol/index.js'
import { until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { applied, loaded } from './batch.js'
import { Stage } from './stage.js'

const test = suite('redis: whose answers they are')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** What no answer begins with. */
const NONSENSE = '@'

/** Where the first answer ends of some that are strings of bytes: `$`, their length, and they. */
function endOfFirst(answers: Buffer): number {
  const end = answers.indexOf('\r\n')
  return end + 2 + Number(answers.toString('latin1', 1, end)) + 2
}

withServer(test, 'a byte of one that is changed on the way gives nobody the session of another', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  let isToChange = false
  const rest: Buffer[] = []
  const { proxy, url } = await stage.proxy(server.port, {
    // Of the first connection the rest stays behind for now.
    answered: (bytes, { number }) => {
      if (!isToChange || number > 1) return bytes
      const length = rest.length > 0 ? 0 : endOfFirst(bytes)
      rest.push(bytes.subarray(length))
      return Buffer.from(bytes.subarray(0, length)).fill(NONSENSE, 0, 1)
    },
  })
  const memory = connectionMemory()
  const storage = await stage.storage({ url }, memory)
  const keys = ['one', 'two']
  for (const key of keys) assert.equal(await applied(storage, { opcode: Opcode.SAVE, key, payload: key }), [])
  isToChange = true
  const loading = loaded(storage, keys)
  // The answer makes no sense: that has been noticed when the connection counts no more.
  await until(async () => {
    await setImmediate()
    const { open, reconnects } = readConnections(memory, new Set([1]))
    return open === 0 || reconnects > 0
  })
  isToChange = false
  // The answer to the second; the first is unanswered.
  proxy.passages[0]?.say(Buffer.concat(rest))
  assert.equal(await loading, { found: keys, notices: [] })
})

withServer(test, 'a record that stands under another key is nobody’s there, and stays', async () => {
  await using stage = new Stage()
  const server = await stage.server()
  const { ask } = await stage.client(server.port)
  const engine = stage.engine({ nodes: [`${server.place.host}:${server.port}`] })
  await engine.save('owner', { key: 'owner' })
  // Of another length it would be taken for one of another prefix.
  assert.is(await ask('COPY', 'coatcheck:owner', 'coatcheck:thief'), 1)
  const told = once(engine, 'corrupt')
  assert.is(await engine.load('thief'), undefined)
  // It is kept nowhere else.
  assert.equal(await told, [{ reason: 'the record of another key' }])
  assert.is(await ask('EXISTS', 'coatcheck:thief'), 1)
  assert.equal(await engine.load('owner'), { key: 'owner' })
})

test.run()
