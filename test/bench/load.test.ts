import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { closedLoop, openLoop } from '../../bench/harness/load.js'

const load = suite('the load of a bench')

/** An operation that is done when it is told, and the moments at which it was begun. */
function heldUp(): {
  readonly operation: () => Promise<void>
  readonly begun: number[]
  release(): void
  untilBegun(count: number): Promise<void>
} {
  const begun: number[] = []
  const waiting: (() => void)[] = []
  let held = true
  let look = (): void => undefined
  return {
    begun,
    operation: () => {
      begun.push(performance.now())
      look()
      return held ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()
    },
    release() {
      held = false
      for (const done of waiting) done()
    },
    untilBegun: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (begun.length >= count) resolve()
        }
        look()
      }),
  }
}

load('a closed loop has as many operations under way as there are callers, and no more', async () => {
  const { operation, begun, release, untilBegun } = heldUp()
  let done = 0
  const running = closedLoop(operation, [() => 0, () => 1, () => 2], () => done++)
  await untilBegun(3)
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(begun.length, 3)
  assert.is(done, 0)
  running.stop()
  release()
  await running.ended
  assert.is(done, 3)
})

const SPINNING = { perSecond: 1_000, between: 'spin' } as const

load('an open loop issues what is due, whatever is still under way', async () => {
  const { operation, release, untilBegun } = heldUp()
  const taken: number[] = []
  const running = openLoop(
    operation,
    () => 0,
    SPINNING,
    (milliseconds) => taken.push(milliseconds),
  )
  // None of them is done: a closed loop would stand still here.
  await untilBegun(50)
  assert.equal(taken, [])
  running.stop()
  release()
  await running.ended
  assert.ok(taken.length >= 50)
  // The first one had to wait until the fiftieth was due, 49 milliseconds later.
  assert.ok((taken[0] ?? 0) >= 48, String(taken[0]))
})

load(
  'an open loop that sleeps between leaves the event loop idle, and issues what was due meanwhile',
  async () => {
    let begun = 0
    const before = performance.eventLoopUtilization()
    const running = openLoop(
      async () => {
        if (++begun === 100) running.stop()
      },
      () => 0,
      { perSecond: 1_000, between: 'sleep' },
      () => undefined,
    )
    await running.ended
    assert.ok(begun >= 100)
    assert.ok(performance.eventLoopUtilization(before).idle > 0)
  },
)

load('time that the event loop stood still counts for whatever was due meanwhile', async () => {
  const taken: number[] = []
  let begun = 0
  const running = openLoop(
    async () => {
      begun++
      if (begun !== 1) return
      const until = performance.now() + 60
      while (performance.now() < until);
    },
    () => 0,
    SPINNING,
    (milliseconds) => {
      taken.push(milliseconds)
      if (taken.length === 40) running.stop()
    },
  )
  await running.ended
  // The tenth was due some ten milliseconds after the first one began to stand in its way for sixty.
  assert.ok((taken[9] ?? 0) > 40, String(taken[9]))
})

load('an operation that fails ends the load', async () => {
  const fail = async (): Promise<void> => {
    throw new Error('no')
  }
  for (const running of [
    closedLoop(fail, [() => 0], () => undefined),
    openLoop(
      fail,
      () => 0,
      SPINNING,
      () => undefined,
    ),
  ]) {
    try {
      await running.ended
      assert.unreachable()
    } catch (error) {
      assert.is((error as Error).message, 'no')
    }
    running.stop()
  }
})

load.run()
