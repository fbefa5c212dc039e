import { SessionEngine, StorageError, UnconfirmedError } from 'coatcheck'
import { redis } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RedisCluster, until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { skipUnless } from '../../skip.js'

const test = suite('redis: clusters that change')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

interface Counted {
  readonly saves: number
}

/** Whoever saves his session again and again, and knows what he was told. */
class Writer {
  readonly key: string
  readonly #engine: SessionEngine<Counted>
  issued = 0
  confirmed = 0
  readonly refused: StorageError[] = []

  constructor(engine: SessionEngine<Counted>, key: string) {
    this.#engine = engine
    this.key = key
  }

  async save(): Promise<void> {
    const saves = ++this.issued
    try {
      await this.#engine.save(this.key, { saves })
      this.confirmed = saves
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.refused.push(error)
    }
  }

  /** Nothing confirmed is lost, and nothing is there that came before it. */
  async check(): Promise<void> {
    const { saves = 0 } = (await this.#engine.load(this.key)) ?? {}
    assert.ok(
      saves >= this.confirmed && saves <= this.issued,
      `${this.confirmed} <= ${saves} <= ${this.issued}`,
    )
  }
}

function writersOn(engine: SessionEngine<Counted>, count: number): Writer[] {
  return Array.from({ length: count }, (_, index) => new Writer(engine, `session${index}`))
}

async function saveUntil(writers: readonly Writer[], isOver: () => boolean): Promise<void> {
  await Promise.all(
    writers.map(async (writer) => {
      while (!isOver()) await writer.save()
    }),
  )
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
  await Promise.all(writers.map((writer) => writer.check()))
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
  await Promise.all(writers.map((writer) => writer.check()))
  // The others wait for the replica to take over, which takes less than they have.
  const refused = writers.flatMap((writer) => writer.refused)
  assert.equal(
    refused.filter((error) => !(error instanceof UnconfirmedError)).map(({ errno }) => errno),
    [],
  )
  assert.ok(writers.some(({ confirmed, issued }) => confirmed === issued))
  await engine.close()
  await cluster.stop()
})

test.run()
