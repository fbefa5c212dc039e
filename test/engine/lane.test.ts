import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Batch, Operation } from '#dist/src/engine/batch.js'
import type { Caller, Demand } from '#dist/src/engine/caller.js'
import { Lane, type LaneCut } from '#dist/src/engine/lane.js'
import { carriesPayload, Opcode } from '#dist/workers/protocol/index.js'

const test = suite('engine: lanes')

const EXPIRY = 2 ** 50
const KEYS = 4
const READS: ReadonlySet<number> = new Set([Opcode.LOAD, Opcode.EXISTS])

/** A lane whose calls are numbered in the order in which they are made, and who waits for what. */
class Driven {
  readonly lane: Lane
  cut: LaneCut
  readonly underWay: Batch[] = []
  /** The calls of each key that are not settled, by number. */
  readonly unsettled = Array.from({ length: KEYS }, () => new Set<number>())
  #calls = 0

  constructor(cut: LaneCut) {
    this.cut = cut
    this.lane = new Lane(() => this.cut)
  }

  issue(opcode: Opcode, at: number, expiry = EXPIRY): void {
    const number = this.#calls++
    this.unsettled[at]?.add(number)
    this.lane.accept({ ...demandOf(opcode, at, number), expiry }, 0)
  }

  /** The next batch; what it must not be is checked. */
  take(): void {
    const wasReady = this.lane.ready
    const batch = this.lane.take()
    assert.is(batch !== undefined, wasReady)
    if (batch === undefined) return
    this.underWay.push(batch)
    assert.ok(this.underWay.length <= this.cut.depth, 'more batches under way than allowed')
    for (const operation of batch.operations) {
      const numbers = new Set([...operation.callers()].map(numberOf))
      const last = Math.max(...numbers)
      for (const number of this.unsettled[keyAt(operation)] ?? [])
        assert.ok(number > last || numbers.has(number), 'an operation left before an earlier one of its key')
    }
  }

  /** One of the batches under way comes back; when its writes have failed, readers on them have to look. */
  comeBack(which: number, failed: boolean): void {
    const [batch] = this.underWay.splice(which % Math.max(1, this.underWay.length), 1)
    if (batch === undefined) return
    for (const operation of batch.operations) {
      for (const caller of operation.callers()) {
        if (failed && carriesPayload(operation.opcode) && READS.has(caller.asks))
          this.lane.readAgain(demandOf(Opcode.LOAD, keyAt(operation), numberOf(caller)))
        else this.unsettled[keyAt(operation)]?.delete(numberOf(caller))
      }
    }
    this.lane.release(batch)
  }

  drain(): void {
    while (this.lane.ready || this.underWay.length > 0) {
      this.take()
      this.comeBack(0, false)
    }
  }
}

function demandOf(opcode: Opcode, at: number, number: number): Demand {
  const payload = carriesPayload(opcode) ? Buffer.alloc(8) : undefined
  // Hashes that differ in what the lane's table looks at.
  const slot = { opcode, key: `key ${at}`, hash: at << 8, expiry: EXPIRY, codec: 1, payload }
  return { ...slot, asks: opcode, acceptedAt: number, resolve: () => {} }
}

function keyAt({ hash }: Operation): number {
  return hash >> 8
}

function numberOf({ acceptedAt }: Caller): number {
  return acceptedAt
}

const key = fc.nat(KEYS - 1)
const opcode = fc.constantFrom(...Object.values(Opcode).filter((one) => one !== Opcode.VOID))
const expiry = fc.constantFrom(EXPIRY, EXPIRY, 0)
const shape = fc.record({ depth: fc.integer({ min: 1, max: 3 }), slots: fc.integer({ min: 1, max: 4 }) })
const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ does: fc.constant('cut' as const), cut: shape }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('issue' as const), opcode, key, expiry }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('take' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('come back' as const), which: fc.nat(3), failed: fc.boolean() }),
  },
)

test('an operation leaves when every earlier one of its key is settled, however many batches are under way', () => {
  fc.assert(
    fc.property(shape, fc.array(step, { maxLength: 60 }), (options, steps) => {
      const driven = new Driven(options)
      for (const one of steps) {
        if (one.does === 'issue') driven.issue(one.opcode, one.key, one.expiry)
        else if (one.does === 'take') driven.take()
        else if (one.does === 'cut') driven.cut = one.cut
        else driven.comeBack(one.which, one.failed)
      }
      driven.drain()
      for (const left of driven.unsettled) assert.is(left.size, 0)
    }),
    { numRuns: 3000 },
  )
})

test('batches without a key in common are under way together; one with a key of theirs waits for all', () => {
  const driven = new Driven({ depth: 2, slots: 2 })
  driven.issue(Opcode.SAVE, 0)
  driven.issue(Opcode.SAVE, 1)
  assert.ok(driven.lane.isFull)
  driven.take()
  driven.issue(Opcode.SAVE, 2)
  driven.take()
  assert.is(driven.underWay.length, 2)
  driven.issue(Opcode.SAVE, 2)
  driven.comeBack(0, false)
  assert.not(driven.lane.ready)
  driven.comeBack(0, false)
  assert.ok(driven.lane.ready)
})

test('beside a batch under way only one leaves that is half full, or it would carry next to nothing', () => {
  const driven = new Driven({ depth: 2, slots: 4 })
  driven.issue(Opcode.SAVE, 0)
  driven.take()
  driven.issue(Opcode.SAVE, 1)
  assert.not(driven.lane.ready)
  driven.issue(Opcode.SAVE, 2)
  assert.ok(driven.lane.ready)
})

test('a few large sessions are half a batch, too', () => {
  const lane = new Lane(() => ({ depth: 2, slots: 256 }))
  lane.accept(demandOf(Opcode.SAVE, 0, 0), 0)
  lane.take()
  lane.accept({ ...demandOf(Opcode.SAVE, 1, 1), payload: Buffer.alloc(40_000) }, 0)
  assert.not(lane.ready)
  lane.accept({ ...demandOf(Opcode.SAVE, 2, 2), payload: Buffer.alloc(40_000) }, 0)
  assert.ok(lane.ready)
})

test('a full batch that waits still takes newer saves of its keys: who falls behind does not fall further', () => {
  const driven = new Driven({ depth: 1, slots: 2 })
  driven.issue(Opcode.SAVE, 2)
  driven.take()
  for (let round = 0; round < 10; round++) {
    driven.issue(Opcode.SAVE, 0)
    driven.issue(Opcode.SAVE, 1)
  }
  driven.comeBack(0, false)
  driven.take()
  assert.is(driven.underWay[0]?.operations.length, 2)
  driven.comeBack(0, false)
  assert.not(driven.lane.ready, 'all of them are in it')
  for (const left of driven.unsettled) assert.is(left.size, 0)
})

test('nothing leaves while a reader, whose write has failed, reads for itself', () => {
  const driven = new Driven({ depth: 2, slots: 2 })
  driven.issue(Opcode.SAVE, 0)
  driven.issue(Opcode.LOAD, 0)
  driven.take()
  driven.comeBack(0, true)
  driven.issue(Opcode.SAVE, 0)
  driven.take()
  assert.equal(
    [...(driven.underWay[0]?.operations ?? [])].map(({ opcode }) => opcode),
    [Opcode.LOAD],
  )
  assert.not(driven.lane.ready)
  driven.comeBack(0, false)
  assert.ok(driven.lane.ready)
})

test('who stops a lane waits for every batch under way', async () => {
  const driven = new Driven({ depth: 2, slots: 1 })
  driven.issue(Opcode.SAVE, 0)
  driven.issue(Opcode.SAVE, 1)
  driven.take()
  driven.take()
  const { arrived, release } = driven.lane.hold()
  let isAlone = false
  void arrived.then(() => {
    isAlone = true
  })
  driven.comeBack(1, false)
  await Promise.resolve()
  assert.not(isAlone)
  driven.comeBack(0, false)
  await arrived
  driven.issue(Opcode.SAVE, 0)
  assert.not(driven.lane.ready)
  release()
  assert.ok(driven.lane.ready)
})

test('everything accepted is settled when the slowest of the batches under way is', async () => {
  const driven = new Driven({ depth: 2, slots: 1 })
  driven.issue(Opcode.SAVE, 0)
  driven.issue(Opcode.SAVE, 1)
  driven.take()
  driven.take()
  let isSettled = false
  const settled = driven.lane.settled().then(() => {
    isSettled = true
  })
  driven.comeBack(1, false)
  await new Promise((resolve) => setImmediate(resolve))
  assert.not(isSettled)
  driven.comeBack(0, false)
  await settled
})

test.run()
