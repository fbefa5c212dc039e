import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyHash, SLICES, sliceOf } from '#dist/workers/protocol/index.js'

const hash = suite('key hash')

hash('does not change from release to release: it names directories on disk', () => {
  const pinned: readonly (readonly [string, number])[] = [
    ['', 0x811d9ffc],
    ['a', 0xe40de134],
    ['0123456789abcdefghijklmnopqrstuv', 0xc21643e2],
    ['sess:Zm9vYmFy_-', 0x23fbd7a9],
    ['\u{1f9e5}', 0xe02dc9d4],
    ['\ud83e', 0x3a825f25],
  ]
  for (const [key, expected] of pinned) assert.is(keyHash(key) >>> 0, expected, JSON.stringify(key))
})

hash('is a signed whole number of 32 bits for every key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      const value = keyHash(key)
      assert.is(value, value | 0)
      assert.is(sliceOf(value), (value >>> 0) % SLICES)
    }),
  )
})

hash('uses the slices evenly, for random keys and for counted ones', () => {
  const count = 256 * 200
  const kinds: Record<string, (index: number) => string> = {
    random: () => randomBytes(24).toString('base64url'),
    counted: (index) => `session-${index}`,
    padded: (index) => index.toString(36).padStart(32, '0'),
  }
  for (const [kind, keyOf] of Object.entries(kinds)) {
    const slices = new Array<number>(SLICES).fill(0)
    for (let index = 0; index < count; index++) {
      const slice = sliceOf(keyHash(keyOf(index)))
      slices[slice] = (slices[slice] ?? 0) + 1
    }
    // 200 expected, a standard deviation of 14: seven of them are beyond bad luck.
    assert.ok(
      Math.max(...slices) < 300 && Math.min(...slices) > 100,
      `${kind}: ${Math.min(...slices)} to ${Math.max(...slices)}`,
    )
  }
})

hash.run()
