import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { SessionEngine, StorageError } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { createClient } from 'redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../../conformance/rejections.js'
import { freePort } from '../../fixtures/redis/free-port.js'
import { hasRedisServer, RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'
import { HOST, Stage } from './stage.js'

const test = suite('redis: servers that are not as they should be')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const PASSWORD = 'a-password-that-nobody-may-see'

function engineOn(options: RedisOptions): SessionEngine {
  return new SessionEngine({ storage: redis({ commandTimeout: 20_000, ...options }), threads: 1 })
}

function serverWith(...words: string[]): RedisServer {
  return new RedisServer({ directory: temporaryDirectory('memory'), words })
}

async function clientOf(server: RedisServer): Promise<ReturnType<typeof createClient>> {
  const client = createClient({ socket: { host: HOST, port: server.port } })
  await client.connect()
  return client as ReturnType<typeof createClient>
}

/** Why it cannot be opened, which shows no password. */
async function refusal(options: RedisOptions): Promise<StorageError> {
  const engine = engineOn(options)
  const error = await rejection(engine.ready(), StorageError)
  await engine.close()
  assert.not.match(`${error.stack} ${String(error.cause)}`, PASSWORD)
  return error
}

test('an address at which nobody listens is told at once', async () => {
  const { errno, message } = await refusal({ url: `redis://${HOST}:${await freePort()}` })
  assert.is(errno, 'ECONNREFUSED')
  assert.match(message, /nobody listens/)
})

async function listen(answer: string): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => answer !== '' && socket.write(answer))
  }).listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  server.unref()
  return { port: address.port, server }
}

for (const [what, answer] of [
  ['one that speaks HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
  ['one that says nothing', ''],
] as const) {
  test(`a server that is no Redis is refused: ${what}`, async () => {
    const { port, server } = await listen(answer)
    const { errno, message } = await refusal({ url: `redis://${HOST}:${port}`, commandTimeout: 300 })
    assert.match(errno, /^(EPROTO|ETIMEDOUT|ECONNRESET)$/)
    assert.match(message, /Redis|no connection/)
    server.close()
  })
}

test('a server that is too old is refused, and told which one is not', async () => {
  // Says yes to whatever is asked first, and which version it is when it is asked for that.
  const about = '# Server\r\nredis_version:6.0.16\r\n'
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      const commands = bytes.toString('latin1').match(/\*\d+\r\n\$\d+\r\n(\w+)/g) ?? []
      for (const command of commands)
        socket.write(/INFO$/.test(command) ? `$${about.length}\r\n${about}\r\n` : '+OK\r\n')
    })
  }).listen(0, HOST)
  await once(server, 'listening')
  server.unref()
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { errno, message } = await refusal({ url: `redis://${HOST}:${address.port}` })
  assert.is(errno, 'TOO_OLD')
  assert.match(message, /6\.0\.16.*Redis 7\.0/)
  server.close()
})

withServer(test, 'a wrong password, and none, are refused in words', async () => {
  const server = serverWith('--requirepass', PASSWORD)
  const port = await server.start()
  const wrong = await refusal({ url: `redis://:wrong-${PASSWORD}@${HOST}:${port}` })
  assert.is(wrong.errno, 'WRONGPASS')
  assert.is((await refusal({ url: `redis://${HOST}:${port}` })).errno, 'NOAUTH')
  const engine = engineOn({ nodes: [`${HOST}:${port}`], password: PASSWORD })
  await engine.save('key', { version: 1 })
  assert.equal(await engine.load('key'), { version: 1 })
  await engine.close()
  await server.stop()
})

withServer(test, 'TLS on one side only is refused', async () => {
  const server = serverWith()
  const port = await server.start()
  const { errno } = await refusal({ url: `rediss://${HOST}:${port}`, commandTimeout: 1000 })
  assert.match(errno, /^(EPROTO|ETIMEDOUT|ECONNRESET)$/)
  await server.stop()
})

withServer(test, 'a server without memory keeps the old version, and says so', async () => {
  const server = serverWith('--maxmemory-policy', 'noeviction')
  await server.start()
  const engine = engineOn({ url: `redis://${HOST}:${server.port}` })
  await engine.save('key', { version: 1 })
  const client = await clientOf(server)
  await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '1'])
  const calls: (() => Promise<unknown>)[] = [
    () => engine.save('key', { version: 2 }),
    () => engine.create('new', {}),
    () => engine.update('key', {}),
  ]
  for (const call of calls) {
    const { errno, message } = await rejection(call(), StorageError)
    assert.is(errno, 'OOM')
    assert.match(message, /maxmemory/)
  }
  assert.equal(await engine.load('key'), { version: 1 })
  client.destroy()
  await engine.close()
  await server.stop()
})

withServer(test, 'a replica is refused when it is opened, and told what to do', async () => {
  await using stage = new Stage()
  const replica = await stage.replicaOf(await stage.server('--repl-diskless-sync-delay', '0'))
  const { errno, message } = await refusal({ url: `redis://${HOST}:${replica.port}` })
  assert.is(errno, 'READONLY')
  assert.match(message, /name its master or use the option cluster/)
})

withServer(test, 'one that has as many connections as it accepts says so', async () => {
  await using stage = new Stage()
  const server = await stage.server('--maxclients', '1')
  await stage.client(server.port)
  const { errno, message } = await refusal({ url: `redis://${HOST}:${server.port}` })
  assert.is(errno, 'MAXCLIENTS')
  assert.match(message, /raise its maxclients/)
})

withServer(
  test,
  'a user who may not ask what replicas have is refused where that is to be asked',
  async () => {
    await using stage = new Stage()
    const server = await stage.server()
    const { ask } = await stage.client(server.port)
    await ask('ACL', 'SETUSER', 'hasty', 'on', `>${PASSWORD}`, '~*', '+@all', '-wait')
    const url = `redis://hasty:${PASSWORD}@${HOST}:${server.port}`
    const { errno, message } = await refusal({ url, acknowledge: { replicas: 1, timeoutMs: 100 } })
    assert.is(errno, 'NOPERM')
    assert.match(message, /\+wait/)
    // Whoever asks for nothing of the kind needs no leave.
    await stage.engine({ url }).save('key', {})
  },
)

test.run()
