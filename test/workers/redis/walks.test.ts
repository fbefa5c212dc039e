import { SessionEngine } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import { createClient } from 'redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  ConnectionTally,
  connectionMemory,
  type Walk,
  type WalkKind,
  type WalkSlice,
} from '#dist/workers/protocol/index.js'
import { openStorage } from '#dist/workers/redis/index.js'
import type { RedisWorkerOptions } from '#dist/workers/redis/options.js'
import { RedisCluster, until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer, RedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'

const test = suite('redis: walks while servers go and come back')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** Several slices of each of three servers. */
const KEYS = Array.from({ length: 9000 }, (_, index) => `key${index}`)

async function fill(servers: RedisOptions): Promise<void> {
  const engine = new SessionEngine({ storage: redis(servers), threads: 1 })
  await Promise.all(KEYS.map((key) => engine.save(key, {})))
  await engine.close()
}

/** Walks, after the first slice does this, and walks on. */
async function walkAcross(
  kind: WalkKind,
  servers: RedisOptions,
  interruption: () => Promise<void>,
): Promise<WalkSlice[]> {
  const { options } = redis({ commandTimeout: 20_000, ...servers })
  const tally = new ConnectionTally(connectionMemory(), { pool: 1, thread: 1 })
  const storage = await openStorage(options as RedisWorkerOptions, tally)
  try {
    const walk = storage.walk(kind)
    const first = await walk.next()
    assert.not(first.done)
    await interruption()
    return [first, ...(await rest(walk))]
  } finally {
    await storage.close()
  }
}

async function rest(walk: Walk): Promise<WalkSlice[]> {
  const slices: WalkSlice[] = []
  do slices.push(await walk.next())
  while (slices.at(-1)?.done !== true)
  return slices
}

interface Single {
  readonly server: RedisServer
  readonly servers: RedisOptions
  command(...words: string[]): Promise<unknown>
}

/** A full server, which forgets nothing when it is started anew. */
async function withSingle(body: (single: Single) => Promise<void>): Promise<void> {
  const server = new RedisServer({ directory: temporaryDirectory('memory'), persistence: 'everysec' })
  await server.start()
  const servers = { nodes: [`127.0.0.1:${server.port}`] }
  await fill(servers)
  const command = async (...words: string[]): Promise<unknown> => {
    const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
    await client.connect()
    const answer = await client.sendCommand(words)
    client.destroy()
    return answer
  }
  await body({ server, servers, command })
  await server.stop()
}

withServer(test, 'one whose connection is lost goes on where it was: each key comes once', () =>
  withSingle(async ({ servers, command }) => {
    const slices = await walkAcross('keys', servers, async () => {
      await command('CLIENT', 'KILL', 'TYPE', 'normal')
    })
    assert.equal(slices.flatMap(({ keys }) => keys).sort(), KEYS.toSorted())
  }),
)

withServer(test, 'a server that was started anew is cleared all the same', () =>
  withSingle(async ({ server, servers, command }) => {
    await walkAcross('clear', servers, async () => {
      await server.stop()
      await server.start()
    })
    assert.is(await command('DBSIZE'), 0)
  }),
)

withServer(test, 'of a server that was started anew nobody gets half a list', () =>
  withSingle(async ({ server, servers }) => {
    const anew = async (): Promise<void> => {
      await server.stop()
      await server.start()
    }
    const walking = walkAcross('keys', servers, anew)
    assert.match(await walking.then(String, String), /WALK_LOST.*list once more/)
  }),
)

async function withCluster(
  body: (cluster: RedisCluster, servers: RedisOptions) => Promise<void>,
): Promise<void> {
  const cluster = new RedisCluster(temporaryDirectory('memory'))
  try {
    await cluster.start()
    const servers = { nodes: cluster.nodes, cluster: true }
    await fill(servers)
    await body(cluster, servers)
  } finally {
    await cluster.stop()
  }
}

async function keysLeft(cluster: RedisCluster): Promise<number> {
  const sizes = (await cluster.describe())
    .filter(({ role, failed }) => role === 'master' && !failed)
    .map(async ({ port }) => Number(await cluster.ask(port, ['DBSIZE'])))
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

withServer(test, 'slots that move to where a clear has been are cleared, too', () =>
  withCluster(async (cluster, servers) => {
    await walkAcross('clear', servers, async () => {
      const [first, ...others] = (await cluster.describe()).filter(({ role }) => role === 'master')
      assert.ok(first)
      // Whichever has been visited, each of them gets some of another one.
      for (const [from, to] of [...others, first].map((node, index) => [node, [first, ...others][index]])) {
        await cluster.agreed()
        await cluster.cli([
          ...['--cluster', 'reshard', `127.0.0.1:${first.port}`, '--cluster-slots', '300', '--cluster-yes'],
          ...['--cluster-from', from?.id ?? '', '--cluster-to', to?.id ?? ''],
        ])
      }
    })
    assert.is(await keysLeft(cluster), 0)
  }),
)

withServer(test, 'where a replica takes over meanwhile, everything is cleared', () =>
  withCluster(async (cluster, servers) => {
    await walkAcross('clear', servers, async () => {
      const masters = (await cluster.describe()).filter(({ role }) => role === 'master')
      // Whichever it is at, or has not come to.
      const gone = masters.at(-1)
      assert.ok(gone)
      await cluster.serverAt(gone.port).stop()
      await until(async () => {
        const now = (await cluster.describe()).filter(({ role, failed }) => role === 'master' && !failed)
        return now.length === 3 && now.every(({ port }) => port !== gone.port)
      })
    })
    assert.is(await keysLeft(cluster), 0)
  }),
)

test.run()
