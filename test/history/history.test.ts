import PQueue from 'p-queue'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { faultsMissing } from '../faults/fault.js'
import { hasRedisServer } from '../fixtures/redis/redis-server.js'
import { skipUnless, skipWhere } from '../skip.js'
import { Fleet } from './fleet.js'
import { judge } from './judge.js'
import { VARIANTS, type Variant } from './variants.js'

const test = suite('histories of concurrent operations')

function asked(name: string, otherwise: number, least: number): number {
  const number = Number(process.env[name] ?? otherwise)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new TypeError(`${name} has to be a whole number from ${least} on: ${process.env[name]}`)
}

const SEED = asked('HISTORY_SEED', Math.floor(Math.random() * 1_000_000), 0)
/** A run is one history of every variant. */
const RUNS = asked('HISTORY_RUNS', budget({ usual: 1, full: 10 }), 1)

async function makeHistories(variant: Variant): Promise<void> {
  const startedAt = performance.now()
  const sum = { operations: 0, certain: 0, states: 0 }
  await Fleet.with(variant, async (fleet) => {
    for (let run = 0; run < RUNS; run++) {
      const seed = SEED + run
      try {
        const { operations, certain, states } = judge(await fleet.history(seed))
        sum.operations += operations
        sum.certain += certain
        sum.states += states
      } catch (error) {
        throw new Error(`run ${run} of '${variant.name}', HISTORY_SEED=${seed}: ${error}`, { cause: error })
      }
    }
    const { kills, calls, troubles, deaths } = fleet.losses
    // Of a kill, and of calls that fail, half of the turns are left at the least.
    const leastCertain = (RUNS * variant.processes * variant.callers * variant.turns) / 2
    assert.ok(
      sum.certain >= leastCertain,
      `${sum.certain} operations of ${RUNS} histories told what came of them`,
    )
    if (variant.kills === true) assert.ok(kills >= RUNS / 2, `${kills} processes died at work`)
    if (variant.dying !== undefined) assert.ok(deaths > 0, 'workers died while operations were under way')
    if (variant.fails !== undefined)
      assert.ok(calls >= RUNS / 2, `${calls} calls failed in ${RUNS} histories`)
    if (variant.trouble !== undefined)
      assert.ok(troubles >= RUNS, `${troubles} times something happened to the servers`)
    const operations = `${sum.certain} of ${sum.operations} operations certain, ${sum.states} states`
    const told = `${operations}, ${kills} kills, ${deaths} operations beside deaths, ${calls} calls failed, ${troubles} troubles`
    console.log(
      `${variant.name}: seed ${SEED}, ${RUNS} histories, ${told}, ${Math.round(performance.now() - startedAt)} ms`,
    )
  })
}

const withFaults = skipWhere(faultsMissing())
const withServers = skipUnless(hasRedisServer(), 'needs redis-server')

/** Several at a time: most of it is waiting, and others at work make for other orders. */
const queue = new PQueue({ concurrency: 6, autoStart: false })

for (const variant of VARIANTS) {
  if (!FULL && variant.usual !== true) continue
  if (!variant.name.includes(process.env.HISTORY_VARIANT ?? '')) continue
  if (variant.servers !== undefined && !hasRedisServer()) {
    withServers(test, variant.name, () => undefined)
    continue
  }
  const made = queue.add(() => makeHistories(variant))
  // Its test tells.
  made.catch(() => undefined)
  const body = async (): Promise<void> => {
    queue.start()
    await made
  }
  if (variant.fails === undefined) test(variant.name, body)
  else withFaults(test, variant.name, body)
}

test.run()
