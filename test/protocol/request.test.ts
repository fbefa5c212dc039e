import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  BATCH_HEADER,
  carriesPayload,
  DIGEST_BYTES,
  DIGESTED_KEY,
  isAllDone,
  KEY_DIGEST_BYTES,
  keyBytesOf,
  keyHash,
  markAllDone,
  Opcode,
  RequestReader,
  RequestWriter,
  SLOT_HEADER,
  type SlotContent,
  slotLength,
} from '#dist/workers/protocol/index.js'

const request = suite('request')

const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' }),
  fc
    .array(fc.integer({ min: 0x80, max: 0xff }), { minLength: 1, maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 256 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom('\ud83e', '\udde5', 'a\0b', 'k'.repeat(256), '\uffff'.repeat(256)),
)
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.integer({ min: 0, max: 9000 }).map((size) => new Uint8Array(size).fill(size)),
)
const nonce = fc.tuple(fc.oneof(uint32, fc.integer({ min: 0xfffffff0, max: 0xffffffff })), uint32)

const slot = fc
  .record({
    opcode: fc.constantFrom(...Object.values(Opcode)),
    key,
    expiry: fc.double({ noNaN: true }),
    codec: uint32,
    payload,
    writeId: fc.tuple(uint32, uint32),
    expected: fc.uint8Array({ minLength: DIGEST_BYTES, maxLength: DIGEST_BYTES }),
  })
  .map(({ opcode, key, expiry, codec, payload, writeId, expected }): SlotContent => {
    const content = {
      opcode,
      key,
      hash: keyHash(key),
      expiry,
      codec,
      payload: carriesPayload(opcode) ? payload : undefined,
    }
    if (opcode === Opcode.REPLACE) return { ...content, expected }
    return opcode === Opcode.SET_ASIDE ? { ...content, writeId } : content
  })

/** What a reader tells of its current slot, its payload copied. */
function currentSlot(reader: RequestReader) {
  const { opcode, hash, expiry, codec, payloadStart, payloadLength } = reader
  const payload = Buffer.from(reader.bytes.subarray(payloadStart, payloadStart + payloadLength))
  return { opcode, key: reader.key(), hash, expiry, codec, payload }
}

function assertSlot(reader: RequestReader, content: SlotContent): void {
  const { payload, writeId, expected, ...rest } = content
  const { payload: found, ...told } = currentSlot(reader)
  assert.equal(told, rest)
  assert.ok(found.equals(payload ?? new Uint8Array(0)))
  if (writeId !== undefined) assert.equal(reader.writeId, writeId)
  if (expected !== undefined) assert.ok(reader.expected().equals(expected))
}

request('comes out as it went in, whatever the size the writer began with', () => {
  fc.assert(
    fc.property(
      fc.array(slot, { maxLength: 12 }),
      fc.integer({ min: 0, max: 4096 }),
      fc.integer({ min: 0, max: 9 }),
      nonce,
      (slots, capacity, attempt, [low, high]) => {
        const writer = new RequestWriter(capacity)
        for (const content of slots) writer.append(content)
        const wire = writer.toWire(attempt, [low, high])
        assert.ok(wire.byteLength >= writer.used)
        const reader = new RequestReader(wire)
        assert.is(reader.slots, slots.length)
        assert.is(reader.attempt, attempt)
        slots.forEach((content, index) => {
          assert.ok(reader.next())
          assert.is(reader.index, index)
          assertSlot(reader, content)
          if (content.writeId === undefined) assert.equal(reader.writeId, [(low + index) >>> 0, high])
          assert.is(reader.payloadStart % 8, 0)
          assert.ok(reader.payloadStart >= SLOT_HEADER)
        })
        assert.not.ok(reader.next())
      },
    ),
    { numRuns: 400 },
  )
})

request('a slot sent alone is the same slot, its write id unchanged', () => {
  fc.assert(
    fc.property(fc.array(slot, { minLength: 1, maxLength: 8 }), nonce, (slots, pair) => {
      const writer = new RequestWriter(0)
      const offsets = slots.map((content) => writer.append(content))
      const whole = new RequestReader(writer.toWire(0, pair))
      offsets.forEach((offset, index) => {
        assert.ok(whole.next())
        const alone = new RequestReader(writer.slotToWire(offset, index, 2, pair))
        assert.is(alone.slots, 1)
        assert.is(alone.attempt, 2)
        assert.ok(alone.next())
        assertSlot(alone, slots[index] as SlotContent)
        assert.equal(alone.writeId, whole.writeId)
        assert.not.ok(alone.next())
      })
    }),
    { numRuns: 300 },
  )
})

request('a slot can be written over by what fits into it, and by nothing else', () => {
  fc.assert(
    fc.property(key, payload, payload, payload, (text, first, second, neighbour) => {
      const content = (payload: Uint8Array): SlotContent => ({
        opcode: Opcode.SAVE,
        key: text,
        hash: keyHash(text),
        expiry: payload.length,
        codec: 1,
        payload,
      })
      const writer = new RequestWriter(64)
      const offset = writer.append(content(first))
      const after: SlotContent = { ...content(neighbour), key: 'neighbour' }
      writer.append(after)
      const fits = slotLength(keyBytesOf(text), second.length) <= slotLength(keyBytesOf(text), first.length)
      assert.is(writer.replace(offset, content(second)), fits)
      const standing = fits ? second : first
      assert.ok(Buffer.from(writer.payload(offset)).equals(standing))
      const reader = new RequestReader(writer.toWire(0, [0, 0]))
      reader.next()
      assertSlot(reader, content(standing))
      reader.next()
      assertSlot(reader, after)
    }),
    { numRuns: 300 },
  )
})

request('a replaced slot is shown as void and the others keep their places', () => {
  const writer = new RequestWriter(64)
  const content: SlotContent = {
    opcode: Opcode.CREATE,
    key: 'k',
    hash: 1,
    expiry: 2,
    codec: 3,
    payload: Buffer.from('text'),
  }
  const offset = writer.append(content)
  writer.append({ ...content, key: 'l' })
  writer.void(offset)
  assert.is(writer.slots, 2)
  const reader = new RequestReader(writer.toWire(0, [5, 6]))
  assert.ok(reader.next())
  assert.is(reader.opcode, Opcode.VOID)
  assert.is(reader.payloadLength, 0)
  assert.ok(reader.next())
  assert.is(reader.key(), 'l')
  assert.equal(reader.writeId, [6, 6])
})

request('the writer keeps its bytes: a second attempt is the same batch', () => {
  const writer = new RequestWriter(64)
  writer.append({ opcode: Opcode.SAVE, key: 'k', hash: 1, expiry: 2, codec: 3, payload: Buffer.from('text') })
  const first = writer.toWire(0, [1, 2])
  // A storage writes its record header into the headroom.
  new Uint8Array(first).fill(0xff, 16)
  const reader = new RequestReader(writer.toWire(1, [1, 2]))
  assert.ok(reader.next())
  assert.is(reader.attempt, 1)
  assert.equal(currentSlot(reader), {
    opcode: Opcode.SAVE,
    key: 'k',
    hash: 1,
    expiry: 2,
    codec: 3,
    payload: Buffer.from('text'),
  })
})

request('an empty batch is a batch', () => {
  const reader = new RequestReader(new RequestWriter(0).toWire(0, [0, 0]))
  assert.is(reader.slots, 0)
  assert.not.ok(reader.next())
})

request('a buffer that came back is filled again, if the batch fits into it', () => {
  const writer = new RequestWriter(64)
  const content: SlotContent = {
    opcode: Opcode.SAVE,
    key: 'key',
    hash: keyHash('key'),
    expiry: 1,
    codec: 1,
    payload: new Uint8Array([1, 2, 3]),
  }
  writer.append(content)
  const spare = writer.toWire(0, [0, 0])
  assert.not.ok(isAllDone(spare))
  markAllDone(spare)
  assert.ok(isAllDone(spare))
  assert.is(writer.toWire(0, [0, 0], spare), spare)
  const reader = new RequestReader(spare)
  assert.ok(reader.next())
  assertSlot(reader, content)
  const tooSmall = new ArrayBuffer(16)
  assert.is.not(writer.toWire(0, [0, 0], tooSmall), tooSmall)
  writer.reset()
  assert.equal([writer.slots, writer.used], [0, BATCH_HEADER])
})

request('slots of another writer are copied as they are', () => {
  fc.assert(
    fc.property(
      fc.array(slot, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 4096 }),
      (slots, capacity) => {
        const [from, writer] = [new RequestWriter(0), new RequestWriter(capacity)]
        const offsets = slots.map((content) => from.append(content))
        for (const offset of [...offsets].reverse()) writer.copy(from, offset)
        const reader = new RequestReader(writer.toWire(0, [0, 0]))
        assert.is(reader.slots, slots.length)
        for (const content of [...slots].reverse()) {
          assert.ok(reader.next())
          assertSlot(reader, content)
        }
        assert.not.ok(reader.next())
      },
    ),
    { numRuns: 100 },
  )
})

/** A batch of one slot that has the digest of a key in the key's place, as journals under hashed names do. */
function digested(digest: Uint8Array, length: number): ArrayBuffer {
  const writer = new RequestWriter(0)
  const key = Buffer.from(digest).toString('latin1')
  const slot = { opcode: Opcode.SAVE, key, hash: 1, expiry: 2, codec: 3, payload: Buffer.from('text') }
  const offset = writer.append(slot)
  const wire = writer.toWire(0, [0, 0])
  const view = new DataView(wire)
  view.setUint8(offset + 5, DIGESTED_KEY)
  view.setUint32(offset + 36, length, true)
  return wire
}

request('of a key that is digested the digest is told, and nothing that could be taken for the key', () => {
  const digest = Buffer.alloc(KEY_DIGEST_BYTES, 0xab)
  const reader = new RequestReader(digested(digest, 200))
  assert.ok(reader.next())
  assert.equal(reader.keyDigest(), { digest, length: 200 })
  assert.throws(() => reader.key(), RangeError)
  const plain = new RequestWriter(0)
  plain.append({ opcode: Opcode.LOAD, key: 'k', hash: 1, expiry: 0, codec: 0, payload: undefined })
  const other = new RequestReader(plain.toWire(0, [0, 0]))
  assert.ok(other.next())
  assert.is(other.keyDigest(), undefined)
})

request('what is cut off a batch reads as zeros, and nothing throws', () => {
  const writer = new RequestWriter(64)
  const content = { hash: -1, expiry: 2, codec: 3, payload: undefined, writeId: [4, 5] as const }
  writer.append({ ...content, opcode: Opcode.SET_ASIDE, key: 'k' })
  writer.append({ ...content, opcode: Opcode.SAVE, key: '\u4e2d', payload: Buffer.from('text') })
  for (const wire of [writer.toWire(6, [7, 8]), digested(Buffer.alloc(KEY_DIGEST_BYTES, 9), 200)]) {
    for (let length = 0; length <= wire.byteLength; length += 4) {
      const padded = new Uint8Array(wire.byteLength)
      padded.set(new Uint8Array(wire, 0, length))
      assert.equal(readHeaders(wire.slice(0, length)), readHeaders(padded.buffer), `${length} bytes`)
    }
  }
})

/** All that a reader tells of a batch, but for what lies behind the headers. */
function readHeaders(wire: ArrayBuffer) {
  const reader = new RequestReader(wire)
  const { slots, attempt } = reader
  const headers = []
  while (reader.next()) {
    const { opcode, hash, expiry, codec, payloadLength, length, writeId } = reader
    const keyLength = reader.keyDigest()?.length
    headers.push({ opcode, hash, expiry, codec, payloadLength, length, writeId, keyLength })
  }
  return { slots, attempt, headers }
}

request.run()
