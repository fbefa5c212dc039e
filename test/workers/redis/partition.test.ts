import type { RedisOptions } from 'coatcheck/redis'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Islands } from '../../fixtures/network/islands.js'
import { type ClusterNode, RedisCluster, until } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { temporaryDirectory } from '../../fixtures/temporary-directory.js'
import { EngineProcess } from '../../races/engine-process.js'
import { skipUnless } from '../../skip.js'
import { type Counted, Writer } from './writer.js'

const test = suite('redis: clusters that fall apart')
const missing = hasRedisServer() ? Islands.missing() : 'needs redis-server'
const withIslands = skipUnless(missing === undefined, missing ?? '')

const KEYS = 40

/** Somebody on an island, who saves all of his sessions again and again. */
class Client {
  readonly remote: EngineProcess
  readonly writers: readonly Writer[]
  #isOver = false
  #saving: Promise<unknown> | undefined

  constructor(name: string, remote: EngineProcess) {
    this.remote = remote
    const save = async (key: string, session: Counted) => {
      const [settled] = await remote.run([{ method: 'save', key, session: { ...session } }])
      if (settled === undefined) throw new Error('nothing was settled')
      return 'failure' in settled ? settled.failure : undefined
    }
    this.writers = Array.from({ length: KEYS }, (_, index) => new Writer(`${name}${index}`, save))
  }

  start(): void {
    this.#saving = Promise.all(this.writers.map((writer) => writer.saveUntil(() => this.#isOver)))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#saving
  }

  get confirmed(): readonly number[] {
    return this.writers.map(({ confirmed }) => confirmed)
  }

  /** Resolves when somebody was told that he could not be sure. */
  async isRefused(): Promise<void> {
    await until(async () => {
      await this.remote.condition()
      return this.writers.some(({ refused }) => refused.length > 0)
    })
  }

  /** Resolves when of all sessions something was confirmed that was issued from now on. */
  async confirmsAnew(): Promise<void> {
    const before = this.writers.map(({ issued }) => issued)
    await until(async () => {
      await this.remote.condition()
      return this.writers.every(({ confirmed }, index) => confirmed > (before[index] ?? 0))
    })
  }
}

withIslands(test, 'a master that is cut off with a few takes no confirmed save with it', async () => {
  const islands = await Islands.open(3)
  const [mainland, island, ship] = islands.places
  assert.ok(mainland && island && ship)
  // One master on the island, two on the mainland, and there two replicas of each: one takes over, the other one confirms.
  const places = Array.from({ length: 9 }, (_, index) => (index === 1 ? island : mainland))
  const cluster = new RedisCluster(temporaryDirectory('memory'), places)
  const remotes: EngineProcess[] = []
  try {
    await cluster.start({ replicas: 2 })
    const cutOff = (await cluster.describe()).find(({ host }) => host === island.host)
    assert.ok(cutOff?.role === 'master')
    const servers: RedisOptions = {
      // The one that will be cut off is the first to be asked.
      nodes: [cutOff, ...cluster.nodes].map(({ host, port }) => ({ host, port })),
      cluster: true,
      acknowledge: { replicas: 1, timeoutMs: 500 },
      commandTimeout: 16_000,
    }
    for (const place of islands.places) {
      // On the island there is not much to be waited for.
      const own = place === island ? { ...servers, commandTimeout: 4000 } : servers
      remotes.push(await EngineProcess.open({ servers: own }, { place }))
    }
    const clients = remotes.map((remote, index) => new Client(`client${index}-`, remote))
    const [ashore, marooned, aboard] = clients
    assert.ok(ashore && marooned && aboard)
    for (const client of clients) client.start()
    await Promise.all(clients.map((client) => client.confirmsAnew()))

    await islands.cut(mainland, island)
    await until(async () => hasReplaced(await cluster.describe(), island.host))
    // The ship sees both sides, and finds the one that counts.
    await Promise.all([ashore.confirmsAnew(), aboard.confirmsAnew()])
    const during = marooned.confirmed
    await Promise.all([ashore.confirmsAnew(), aboard.confirmsAnew()])
    assert.equal(marooned.confirmed, during)
    await marooned.isRefused()

    await islands.join(mainland, island)
    await until(async () => {
      const node = (await cluster.describe()).find(({ host }) => host === island.host)
      return node?.role === 'replica' && !node.failed
    })
    await cluster.healthy()
    await Promise.all(clients.map((client) => client.confirmsAnew()))
    await Promise.all(clients.map((client) => client.stop()))
    for (const { writers, remote } of clients) {
      await Promise.all(writers.map((writer) => writer.check((key) => loadBy(remote, key))))
      // All that it was ever refused with says so in its own words.
      for (const { name } of writers.flatMap(({ refused }) => refused))
        assert.match(name, /^(UnconfirmedError|StorageError)$/)
    }
    // Who can reach the others finds who has taken over, and is refused nothing meanwhile but what only one server had.
    for (const { name, errno } of [ashore, aboard].flatMap(({ writers }) =>
      writers.flatMap(({ refused }) => refused),
    ))
      assert.is(name, 'UnconfirmedError', errno)
    await Promise.all(remotes.map((remote) => remote.close()))
  } finally {
    await Promise.all(remotes.map((remote) => remote.kill()))
    await cluster.stop()
    await islands.close()
  }
})

async function loadBy(remote: EngineProcess, key: string): Promise<Counted | undefined> {
  const [settled] = await remote.run([{ method: 'load', key }])
  assert.ok(settled && 'value' in settled)
  return settled.value as Counted | undefined
}

/** Whether all slots are served by masters elsewhere. */
function hasReplaced(nodes: readonly ClusterNode[], host: string): boolean {
  const masters = nodes.filter(({ role, failed }) => role === 'master' && !failed)
  return masters.length === 3 && masters.every((master) => master.host !== host)
}

test.run()
