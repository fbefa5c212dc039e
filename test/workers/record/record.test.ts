import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  composeRecord,
  longestRecord,
  RECORD_HEADER,
  readHeader,
  readRecord,
} from '#dist/workers/record/record.js'

const record = suite('record')

const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const content = fc.record({
  key: fc.option(
    fc.string({ minLength: 1, maxLength: 256, unit: 'binary' }).filter((key) => key.length <= 256),
    {
      nil: undefined,
    },
  ),
  payload: fc.uint8Array({ maxLength: 300 }),
  expiry: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  writeId: fc.tuple(uint32, uint32),
  codec: uint32,
})

type Content = typeof content extends fc.Arbitrary<infer Value> ? Value : never

function compose({ key, payload, expiry, writeId, codec }: Content): Buffer {
  const header = {
    keyLength: key?.length ?? 5,
    payloadLength: payload.length,
    expiry,
    writeId,
    codec,
    keyIncluded: false,
    writtenByUpdate: false,
  }
  return composeRecord(key, payload, header)
}

/** A record with everything in it. */
function sample(): Buffer {
  return compose({ key: 'Key', payload: Buffer.from('a payload'), expiry: 1.5e12, writeId: [1, 2], codec: 3 })
}

record('comes back as it was written', () => {
  fc.assert(
    fc.property(content, (original) => {
      const read = readRecord(compose(original))
      assert.ok(typeof read !== 'string')
      assert.is(read.key, original.key)
      assert.is(read.keyLength, original.key?.length ?? 5)
      assert.ok(Buffer.from(read.payload).equals(original.payload))
      assert.is(read.expiry, original.expiry)
      assert.equal(read.writeId, original.writeId)
      assert.is(read.codec, original.codec)
    }),
    { numRuns: 500 },
  )
})

record('with any single bit turned over is refused', () => {
  const bytes = sample()
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes)
    damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
    assert.type(readRecord(damaged), 'string', `bit ${bit}`)
  }
})

record('cut short anywhere, or with bytes to follow, is refused', () => {
  const bytes = sample()
  for (let length = 0; length < bytes.length; length++) {
    assert.type(readRecord(bytes.subarray(0, length)), 'string', `${length} bytes`)
  }
  for (const more of [1, 7, 40, 4096]) {
    assert.type(readRecord(Buffer.concat([bytes, Buffer.alloc(more)])), 'string', `${more} bytes more`)
  }
})

record('with two parts of two records in it is refused', () => {
  fc.assert(
    fc.property(content, content, fc.nat(), (one, other, at) => {
      const first = compose(one)
      const second = compose(other)
      fc.pre(first.length === second.length && !first.equals(second))
      const cut = at % first.length
      const torn = Buffer.concat([first.subarray(0, cut), second.subarray(cut)])
      if (!torn.equals(first) && !torn.equals(second)) assert.type(readRecord(torn), 'string')
    }),
  )
})

record('lengths that lie are refused before anything is allocated for them', () => {
  for (const [offset, size] of [
    [18, 2],
    [20, 4],
  ] as const) {
    const bytes = sample()
    bytes.fill(0xff, offset, offset + size)
    const before = process.memoryUsage().arrayBuffers
    assert.is(readRecord(bytes), 'not as long as it says')
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
  }
})

record('of another format is told from damage', () => {
  const bytes = sample()
  bytes[16] = 2
  assert.is(readRecord(bytes), 'record format 2, known is 1')
  assert.is(readHeader(Buffer.alloc(RECORD_HEADER)), 'no session record')
  assert.is(readHeader(Buffer.alloc(RECORD_HEADER - 1)), 'shorter than a record header')
})

record('bytes on disk do not change from release to release', () => {
  const expected =
    '4354434bcaf6c1560098f73e5d0110b6010103000900000001000000020000000300000000000000' +
    '4b0065007900' +
    '61207061796c6f6164'
  assert.is(sample().toString('hex'), expected)
  assert.is(longestRecord(1000), RECORD_HEADER + 512 + 1000 + 44)
})

record.run()
