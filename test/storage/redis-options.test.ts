import { inspect } from 'node:util'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RedisWorkerOptions } from '#dist/workers/redis/options.js'

const test = suite('options of redis()')

const SECRET = 'a-password-that-nobody-may-see'

function workerOptions(options: RedisOptions): RedisWorkerOptions {
  return redis(options).options as RedisWorkerOptions
}

test('a URL tells server, user, password, database and TLS', () => {
  const { nodes, username, password, database, tls } = workerOptions({
    url: 'rediss://me:p%40ss@[::1]:7000/3',
  })
  assert.equal(
    { nodes, username, password, database, tls },
    {
      nodes: [{ host: '::1', port: 7000 }],
      username: 'me',
      password: 'p@ss',
      database: 3,
      tls: {},
    },
  )
  assert.equal(workerOptions({ url: 'redis://host' }).nodes, [{ host: 'host', port: 6379 }])
})

test('nodes are addresses in one form or the other', () => {
  const { nodes } = workerOptions({
    cluster: true,
    nodes: ['a', 'b:7000', '[::1]:7', '[fe80::1]', { host: 'c', port: 1 }, { host: '::1', port: 2 }],
  })
  assert.equal(
    nodes.map(({ host, port }) => `${host} ${port}`),
    ['a 6379', 'b 7000', '::1 7', 'fe80::1 6379', 'c 1', '::1 2'],
  )
})

const HASTY = { url: 'redis://host', commandTimeout: 1000 }

test('replicas may take half of the time that an operation has, and have as much where nothing is said', () => {
  const timeoutOf = (options: RedisOptions) => workerOptions(options).acknowledge?.timeoutMs
  assert.is(timeoutOf({ ...HASTY, acknowledge: { replicas: 1, timeoutMs: 500 } }), 500)
  assert.is(timeoutOf({ ...HASTY, acknowledge: { replicas: 1 } as never }), 500)
})

const WRONG: readonly (readonly [option: string, options: unknown])[] = [
  ['redis', undefined],
  ['redis', `redis://:${SECRET}@host`],
  ['url', {}],
  ['url', { url: 'redis://host', nodes: ['host'] }],
  ['url', { url: `http://:${SECRET}@host` }],
  ['url', { url: `not a url ${SECRET}` }],
  ['url', { url: `redis://:${SECRET}%@host` }],
  ['url', { url: `${SECRET}:x` }],
  ['url', { url: `redis://host?password=${SECRET}` }],
  ['url', { url: `redis://host#${SECRET}` }],
  ['url', { url: 'redis://host/name' }],
  ['url', { url: 'redis://host/1', cluster: true }],
  ['nodes', { nodes: [] }],
  ['nodes', { nodes: ['a', 'b'] }],
  ['nodes[0]', { nodes: [`me:${SECRET}@host:1`] }],
  ['nodes[0]', { nodes: ['fe80::1'] }],
  ['nodes[0]', { nodes: ['::1:6379'] }],
  ['nodes[1]', { cluster: true, nodes: ['a', { host: 'b', port: 70_000 }] }],
  ['password', { url: 'redis://host', password: '' }],
  ['username', { url: 'redis://host', username: 1 }],
  ['tls', { url: 'rediss://host', tls: false }],
  ['tls', { url: 'redis://host', tls: 'yes' }],
  ['tls.keys', { url: 'redis://host', tls: { keys: SECRET } }],
  ['prefix', { url: 'redis://host', prefix: '' }],
  ['prefix', { url: 'redis://host', prefix: '{a}' }],
  ['acknowledge', { url: 'redis://host', acknowledge: 'everybody' }],
  ['acknowledge.replicas', { url: 'redis://host', acknowledge: { replicas: 0 } }],
  ['acknowledge.timeoutMs', { url: 'redis://host', acknowledge: { replicas: 1, timeoutMs: 6000 } }],
  // Above half of the time that an operation has.
  ['acknowledge.timeoutMs', { ...HASTY, acknowledge: { replicas: 1, timeoutMs: 501 } }],
  ['connectionsPerWorker', { url: 'redis://host', connectionsPerWorker: 0 }],
  ['commandTimeout', { url: 'redis://host', commandTimeout: 0 }],
  ['maxRecordBytes', { url: 'redis://host', maxRecordBytes: 0 }],
  ['redis.passwort', { url: 'redis://host', passwort: SECRET }],
]

test('each wrong option is refused by name, and no secret is shown', () => {
  for (const [option, options] of WRONG) {
    try {
      redis(options as RedisOptions)
    } catch (error) {
      assert.instance(error, TypeError)
      assert.match((error as TypeError).message, `option "${option}"`)
      assert.not.match(String((error as TypeError).stack), SECRET)
      continue
    }
    assert.unreachable(`${option} was not refused`)
  }
})

test('a storage that is logged shows no password', () => {
  const storage = redis({ url: `redis://:${SECRET}@host`, tls: { passphrase: SECRET } })
  assert.not.match(inspect(storage, { depth: 9, showHidden: true }), SECRET)
  assert.not.match(JSON.stringify(storage), SECRET)
})

test.run()
