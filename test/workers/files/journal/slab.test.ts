import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Slab } from '#dist/workers/files/journal/slab.js'

const test = suite('journal: slab')

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      allocate: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 400_000 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
)

test('blocks hold what was asked for, never overlap, and all memory comes back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const slab = new Slab()
      const blocks: { readonly address: number; readonly bytes: number; readonly fill: number }[] = []
      let fill = 0
      const check = ({ address, bytes, fill: expected }: (typeof blocks)[number]): void => {
        const start = Slab.offsetOf(address)
        const held = slab.chunkOf(address).bytes.subarray(start, start + bytes)
        assert.is(held.length, bytes)
        assert.ok(
          held.every((byte) => byte === expected),
          'another block has been written over',
        )
      }
      for (const one of steps) {
        if ('allocate' in one) {
          const block = { address: slab.allocate(one.allocate), bytes: one.allocate, fill: fill++ % 251 }
          assert.ok(slab.fits(block.address, block.bytes))
          const start = Slab.offsetOf(block.address)
          slab.chunkOf(block.address).bytes.fill(block.fill, start, start + block.bytes)
          blocks.push(block)
        } else if (blocks.length > 0) {
          const [block] = blocks.splice(one.free % blocks.length, 1)
          if (block === undefined) continue
          check(block)
          slab.free(block.address)
        }
      }
      const held = blocks.reduce((sum, { bytes }) => sum + bytes, 0)
      assert.ok(slab.bytes >= held)
      for (const block of blocks) {
        check(block)
        slab.free(block.address)
      }
      assert.is(slab.bytes, 0)
    }),
    { numRuns: 200 },
  )
})

test('a freed block is used again before new memory is taken', () => {
  const slab = new Slab()
  const addresses = Array.from({ length: 5_000 }, () => slab.allocate(400))
  const { bytes } = slab
  for (let round = 0; round < 10; round++) {
    for (let index = round; index < addresses.length; index += 7) {
      slab.free(addresses[index] ?? 0)
      addresses[index] = slab.allocate(390)
    }
  }
  assert.is(slab.bytes, bytes)
})

test('a block does not stay twice as large as what is in it', () => {
  const slab = new Slab()
  const address = slab.allocate(8_000)
  assert.ok(slab.fits(address, 7_000))
  assert.not.ok(slab.fits(address, 12_000))
  assert.not.ok(slab.fits(address, 1_000))
})

test('of several pieces of memory with room, each can be the one that goes', () => {
  const slab = new Slab()
  const pieces: number[][] = []
  // Two that are full, and one block of a third one.
  for (let piece = 0; piece < 3; ) {
    const address = slab.allocate(400)
    piece = (address >>> 15) + 1
    pieces[piece - 1] = [...(pieces[piece - 1] ?? []), address]
  }
  const [first = [], second = [], [last = 0] = []] = pieces
  const each = slab.bytes / 3
  // The second one that has room stays, the first one goes.
  slab.free(first.pop() ?? 0)
  slab.free(last)
  assert.is(slab.bytes, 2 * each)
  // And once more, now that it is itself the first one.
  slab.free(second.pop() ?? 0)
  for (const address of first) slab.free(address)
  assert.is(slab.bytes, each)
  // What is left has room for one more; then a new one is needed.
  second.push(slab.allocate(400))
  assert.is(slab.bytes, each)
  second.push(slab.allocate(400))
  assert.is(slab.bytes, 2 * each)
  assert.is(new Set(second).size, second.length)
})

test.run()
