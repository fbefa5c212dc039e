import { SessionEngine, StorageError } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RedisCluster, until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'
import { type Counted, Writer } from './writer.js'

const test = suite('redis: clusters that change')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

/** Writers that share an engine. */
function writersOn(engine: SessionEngine<Counted>, count: number): Writer[] {
  const save = async (key: string, session: Counted): Promise<StorageError | undefined> => {
    try {
      await engine.save(key, session)
      return undefined
    } catch (error) {
      if (error instanceof StorageError) return error
      throw error
    }
  }
  return Array.from({ length: count }, (_, index) => new Writer(`session${index}`, save))
}

async function saveUntil(writers: readonly Writer[], isOver: () => boolean): Promise<void> {
  await Promise.all(writers.map((writer) => writer.saveUntil(isOver)))
}

async function check(writers: readonly Writer[], engine: SessionEngine<Counted>): Promise<void> {
  await Promise.all(writers.map((writer) => writer.check((key) => engine.load(key))))
}

withServer(test, 'slots that move under load: no save is refused, and none is lost', async () => {
  const cluster = new RedisCluster(temporaryDirectory('memory'))
  await cluster.start({ replicas: 0 })
  const storage = redis({ nodes: cluster.nodes, cluster: true, commandTimeout: 30_000 })
  const engine = new SessionEngine<Counted>({ storage, threads: 2 })
  const writers = writersOn(engine, 2000)
  await Promise.all(writers.map((writer) => writer.save()))
  const [from, to] = (await cluster.describe()).filter(({ role }) => role === 'master')
  assert.ok(from && to)
  let moved = false
  const moving = cluster
    .cli([
      ...['--cluster', 'reshard', `127.0.0.1:${from.port}`, '--cluster-from', from.id, '--cluster-to', to.id],
      ...['--cluster-slots', '100', '--cluster-yes'],
    ])
    .finally(() => {
      moved = true
    })
  await saveUntil(writers, () => moved)
  await moving
  assert.is((await cluster.describe()).find(({ id }) => id === to.id)?.slots, to.slots + 100)
  assert.equal(
    writers.flatMap(({ refused }) => refused),
    [],
  )
  await Promise.all(writers.map((writer) => writer.save()))
  await check(writers, engine)
  await engine.close()
  await cluster.stop()
})

withServer(test, 'a master that is killed under load takes no confirmed save with it', async () => {
  const cluster = new RedisCluster(temporaryDirectory('memory'))
  await cluster.start()
  const acknowledge = { replicas: 1, timeoutMs: 500 }
  const storage = redis({ nodes: cluster.nodes, cluster: true, acknowledge, commandTimeout: 30_000 })
  const engine = new SessionEngine<Counted>({ storage, threads: 2 })
  const writers = writersOn(engine, 300)
  await Promise.all(writers.map((writer) => writer.save()))
  const [master] = (await cluster.describe()).filter(({ role }) => role === 'master')
  assert.ok(master)
  const killed = cluster.serverAt(master.port).stop()
  let isOver = false
  const saving = saveUntil(writers, () => isOver)
  await killed
  // Its replica takes over; then it has none, and of its keys nothing is confirmed any more.
  await until(async () => {
    const nodes = await cluster.describe()
    return (
      nodes.filter(({ role, failed }) => role === 'master' && !failed).length === 3 &&
      nodes.some(({ failed }) => failed)
    )
  })
  await cluster.healthy()
  isOver = true
  await saving
  await check(writers, engine)
  // The others wait for the replica to take over, which takes less than they have.
  const refused = writers.flatMap((writer) => writer.refused)
  assert.equal(
    refused.filter(({ name }) => name !== 'UnconfirmedError').map(({ errno }) => errno),
    [],
  )
  assert.ok(writers.some(({ confirmed, issued }) => confirmed === issued - 1))
  await engine.close()
  await cluster.stop()
})

test.run()
