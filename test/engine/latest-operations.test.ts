import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Batch, Operation } from '#dist/src/engine/batch.js'
import { LatestOperations } from '#dist/src/engine/latest-operations.js'
import { Opcode, RequestWriter } from '#dist/workers/protocol/index.js'

const test = suite('engine: latest operations')

const batch = new Batch(new RequestWriter(0))

function operation(key: string, hash: number): Operation {
  const slot = { opcode: Opcode.SAVE, key, hash, expiry: 0, codec: 0, payload: undefined }
  return new Operation(batch, { ...slot, asks: Opcode.SAVE, acceptedAt: 0, resolve: () => {} }, 0, 0)
}

// Few hashes, so that keys share them and buckets alike; the hash belongs to the key.
const keys = Array.from({ length: 24 }, (_, index) => ({
  key: `key ${index}`,
  hash: (index % 5) * 0x41_0100 - 7,
}))

test('finds, replaces and forgets as a Map does', () => {
  const step = fc.record({
    at: fc.nat(keys.length - 1),
    does: fc.constantFrom('set', 'delete', 'delete former'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new LatestOperations()
      const model = new Map<string, Operation>()
      const former: Operation[] = []
      for (const { at, does } of steps) {
        const { key = '', hash = 0 } = keys[at] ?? {}
        const latest = model.get(key)
        if (does === 'set') {
          const next = operation(key, hash)
          table.set(next, table.get(key, hash))
          model.set(key, next)
          if (latest !== undefined) former.push(latest)
        } else if (does === 'delete' && latest !== undefined) {
          table.delete(latest)
          model.delete(key)
          former.push(latest)
        } else {
          // One that is not the latest any more: nothing happens.
          for (const operation of former) table.delete(operation)
        }
        for (const one of keys) assert.is(table.get(one.key, one.hash), model.get(one.key))
      }
    }),
    { numRuns: 300 },
  )
})

test('holds a burst, and lets go of everything', () => {
  const table = new LatestOperations()
  // A multiplier that spreads them over all 32 bits.
  const burst = Array.from({ length: 5_000 }, (_, index) =>
    operation(`key ${index}`, Math.imul(index, 0x9e37_79b1)),
  )
  for (const one of burst) table.set(one, undefined)
  for (const one of burst) assert.is(table.get(one.key, one.hash), one)
  for (const one of burst) table.delete(one)
  for (const one of burst) {
    assert.is(table.get(one.key, one.hash), undefined)
    // A link left behind would keep those that came later in memory.
    assert.is(one.nextInBucket, undefined)
  }
})

test.run()
