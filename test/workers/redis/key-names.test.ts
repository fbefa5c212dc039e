import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyOf, nameOf } from '#dist/workers/redis/key-names.js'

const test = suite('redis: key names')

const key = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  // Lone surrogates, and pairs.
  fc
    .array(fc.integer({ min: 0xd700, max: 0xe0ff }), { minLength: 1, maxLength: 8 })
    .map((units) => String.fromCharCode(...units)),
)
const bytesOf = (name: string | Buffer): Buffer => Buffer.from(name)

test('a name tells its key, whatever that is', () => {
  fc.assert(fc.property(key, (some) => assert.is(keyOf(bytesOf(nameOf(some, 'app:')), 'app:'), some)))
})

test('two keys never have one name', () => {
  fc.assert(
    fc.property(key, key, (one, other) => {
      assert.is(bytesOf(nameOf(one, '')).equals(bytesOf(nameOf(other, ''))), one === other)
    }),
  )
})

test('what has another prefix, or no key, or is no name of ours, is none', () => {
  for (const name of ['app2:key', 'ap', 'app:']) assert.is(keyOf(Buffer.from(name), 'app:'), undefined)
  // A pair whose halves are encoded one by one, as we never do, and what is no UTF-8 at all.
  for (const bytes of [[0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], [0xff], [0xc0, 0x80]]) {
    assert.is(keyOf(Buffer.concat([Buffer.from('app:'), Buffer.from(bytes)]), 'app:'), undefined)
  }
})

test.run()
