import slotOf from 'cluster-key-slot'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ClusterLayout, ClusterNode, RedisCluster } from '../../fixtures/redis/redis-cluster.js'
import { hasRedisServer } from '../../fixtures/redis/redis-server.js'
import { skipUnless } from '../../skip.js'
import { Stage } from './stage.js'

const test = suite('redis: slots that are on their way')
const withServer = skipUnless(hasRedisServer(), 'needs redis-server')

const KEY = 'key'
const NAME = `coatcheck:${KEY}`
const SLOT = `${slotOf(NAME)}`

/** Operations of each kind while the slot is on its way. */
const TIMES = 4
/** Each is sent on once; one that goes to and fro is sent on hundreds of times. */
const FEW = 100

interface Given {
  readonly stage: Stage
  readonly cluster: RedisCluster
  /** Who has the slot. */
  readonly from: ClusterNode
  /** Who is to have it. */
  readonly to: ClusterNode
}

/** A cluster of masters alone, of which one has the slot, and another one is to have it. */
async function withMasters(layout: ClusterLayout, body: (given: Given) => Promise<void>): Promise<void> {
  await using stage = new Stage()
  const words = ['--cluster-allow-replica-migration', 'no', ...(layout.words ?? [])]
  const cluster = await stage.cluster({ ...layout, replicas: 0, words })
  const described = await cluster.describe()
  const masters = cluster.servers.flatMap(({ port }) => described.find((node) => node.port === port) ?? [])
  // The masters share the slots in their order.
  let behind = 0
  const from = masters.find(({ slots }) => {
    behind += slots
    return Number(SLOT) < behind
  })
  const to = masters.findLast((node) => node !== from)
  assert.ok(from && to)
  await body({ stage, cluster, from, to })
}

/** Operations on a slot whose keys are gone, and which is not yet served by whoever has them: that one has to be asked by name. */
async function useOnTheWay({ stage, cluster, from, to }: Given): Promise<void> {
  const nodes = cluster.nodes.filter(({ port }) => port === from.port)
  const engine = stage.engine<{ version: number }>({ nodes, cluster: true })
  await engine.save(KEY, { version: 0 })
  await cluster.ask(to.port, ['CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', from.id])
  await cluster.ask(from.port, ['CLUSTER', 'SETSLOT', SLOT, 'MIGRATING', to.id])
  await cluster.ask(from.port, ['MIGRATE', to.host, `${to.port}`, NAME, '0', '10000'])
  for (let version = 1; version <= TIMES; version++) {
    assert.equal(await engine.load(KEY), { version: version - 1 })
    await engine.save(KEY, { version })
  }
  const { retries = 0 } = engine.stats().connections ?? {}
  assert.ok(retries > 0 && retries < FEW, `sent again ${retries} times`)
  // Where they went is where the slot comes to.
  for (const { port } of [to, from]) await cluster.ask(port, ['CLUSTER', 'SETSLOT', SLOT, 'NODE', to.id])
  assert.equal(await engine.load(KEY), { version: TIMES })
  const { ask } = await stage.client(to.port)
  assert.is(await ask('EXISTS', NAME), 1)
}

withServer(test, 'to a master that has none yet: everything is done there', () =>
  withMasters({ spares: 1 }, async (given) => {
    assert.is(given.to.slots, 0)
    await useOnTheWay(given)
  }),
)

for (const [what, type] of [
  ['that gives no addresses', 'unknown-endpoint'],
  ['that gives names, and has none', 'hostname'],
] as const) {
  withServer(test, `in a cluster ${what}: everything is done where it is going`, () =>
    withMasters({ words: ['--cluster-preferred-endpoint-type', type] }, useOnTheWay),
  )
}

test.run()
