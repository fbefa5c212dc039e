import { deepStrictEqual } from 'node:assert/strict'
import { inspect } from 'node:util'
import { type Codec, EncodeError, json, msgpack } from 'coatcheck'
import { Packr } from 'msgpackr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeWithinOf } from '#dist/src/codecs/decode-within.js'

const test = suite('codecs')

/** By both ways of decoding. */
function roundTrip<Session extends object>(codec: Codec, session: Session): Session {
  // Encoders may use their buffer again.
  const bytes = Buffer.from(codec.encode(session))
  const within = decodedWithin(codec, bytes, 0xc1)
  const alone = codec.decode(bytes) as Session
  // A date that is none is equal to no other.
  assert.is(inspect(within, WHOLE), inspect(alone, WHOLE))
  return alone
}

/** What is decoded in the midst of other bytes, all of which are written over afterwards. */
function decodedWithin(codec: Codec, bytes: Uint8Array, others: number): unknown {
  const memory = Buffer.alloc(bytes.length + 2 * MARGIN, others)
  memory.set(bytes, MARGIN)
  const session = decodeWithinOf(codec)(memory, MARGIN, MARGIN + bytes.length)
  memory.fill(0x81)
  return session
}

const WHOLE = { depth: null, maxArrayLength: null, maxStringLength: null, showHidden: true }
/** Of other bytes, on both sides; no multiple of eight. */
const MARGIN = 37

function refusal(codec: Codec, session: object): EncodeError {
  try {
    codec.encode(session)
  } catch (error) {
    if (error instanceof EncodeError) return error
    throw error
  }
  throw new Error('it was encoded')
}

function nested(depth: number): object {
  let value: object = {}
  for (let level = 0; level < depth; level++) value = { value }
  return value
}

const PLAIN = {
  empty: {},
  text: 'Zoë 👜 \0 "',
  numbers: [0, -1, 1.5, 2 ** 53 - 1, -(2 ** 53 - 1), 1e308, 2 ** 31, 2 ** 32, 2 ** 63],
  flags: [true, false, null],
  list: [[], [[1]], [{ a: 1 }, { a: 2 }]],
  '': 'empty name',
  'a.b': 'dotted name',
}

for (const codec of [msgpack(), json()]) {
  test(`${codec.name}: plain values come back as they were`, () => {
    assert.equal(roundTrip(codec, PLAIN), PLAIN)
    assert.equal(roundTrip(codec, [1, { a: 2 }]), [1, { a: 2 }])
    assert.equal(roundTrip(codec, nested(50)), nested(50))
    const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`name-${index}`, index]))
    assert.equal(roundTrip(codec, wide), wide)
    for (const length of [31, 32, 255, 256, 65_535, 65_536]) {
      assert.equal(roundTrip(codec, { text: 'é'.repeat(length) }), { text: 'é'.repeat(length) })
    }
  })

  test(`${codec.name}: __proto__ and constructor are names like any other, and pollute nothing`, () => {
    const hostile = JSON.parse(
      '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"a":1}',
    ) as object
    const session = roundTrip(codec, hostile) as Record<string, unknown>
    assert.is(session.a, 1)
    assert.is(session.admin, undefined, 'inherited')
    assert.is(Object.getPrototypeOf(session), Object.prototype)
    assert.is(({} as Record<string, unknown>).admin, undefined)
  })

  test(`${codec.name}: toJSON has its say, as Express's cookie needs it`, () => {
    const cookie = { _expires: new Date(0), toJSON: () => ({ expires: '1970-01-01T00:00:00.000Z' }) }
    assert.equal(roundTrip(codec, JSON.parse(JSON.stringify({ cookie })) as object), {
      cookie: { expires: '1970-01-01T00:00:00.000Z' },
    })
  })

  test(`${codec.name}: an object that contains itself is refused by its path`, () => {
    const session: Record<string, unknown> = { cart: { items: [1, 2] } }
    ;(session.cart as Record<string, unknown>).back = session
    const error = refusal(codec, session)
    assert.is(error.path, 'cart.back')
    assert.match(error.message, /cart\.back/)
    assert.is(error.code, 'COATCHECK_ENCODE')
  })

  test(`${codec.name}: what was encoded before a refusal, and after it, is whole`, () => {
    const bytes = Uint8Array.from(codec.encode(PLAIN))
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    refusal(codec, cyclic)
    assert.equal(codec.decode(bytes), PLAIN)
    assert.equal(roundTrip(codec, PLAIN), PLAIN)
  })

  test(`${codec.name}: damaged bytes throw, or give something else, and never hang`, () => {
    const bytes = Uint8Array.from(codec.encode(PLAIN))
    for (let length = 0; length < bytes.length; length += 7) {
      try {
        codec.decode(bytes.subarray(0, length))
      } catch (error) {
        assert.ok(error instanceof Error)
      }
    }
    assert.equal(roundTrip(codec, PLAIN), PLAIN)
  })
}

for (const codec of [msgpack(), json()]) {
  test(`${codec.name}: what its toJSON makes no object of is no session, and refused before it is stored`, () => {
    class Session {
      declare toJSON: () => unknown
    }
    for (const made of ['text', 7, true, null]) {
      Session.prototype.toJSON = () => made
      const error = refusal(codec, new Session())
      assert.is(error.path, '')
    }
  })
}

for (const codec of [msgpack(), json()]) {
  test(`${codec.name}: a session in the midst of others is read up to its end, and no further`, () => {
    for (const session of [PLAIN, { a: 'x'.repeat(300) }, { note: 'é'.repeat(40), flags: [true] }]) {
      const bytes = Uint8Array.from(codec.encode(session))
      // What follows would go on with it: a text, and a value.
      for (const others of [0x20, 0x61, 0x7d, 0xc3]) {
        for (let length = 1; length < bytes.length; length++) {
          assert.throws(() => decodedWithin(codec, bytes.subarray(0, length), others))
        }
        assert.equal(decodedWithin(codec, bytes, others), session)
      }
    }
  })
}

for (const codec of [msgpack(), json()]) {
  test(`${codec.name}: whoever wraps it with a decode of his own is asked, and may keep the bytes`, () => {
    const kept: Uint8Array[] = []
    const wrapped: Codec = {
      ...codec,
      decode(bytes) {
        kept.push(bytes)
        return { of: codec.decode(bytes.subarray(1)) }
      },
    }
    const bytes = Buffer.concat([Buffer.from([7]), codec.encode(PLAIN)])
    assert.equal(decodedWithin(wrapped, bytes, 0), { of: PLAIN })
    assert.ok(kept.length === 1 && Buffer.from(kept[0] ?? []).equals(bytes))
  })
}

test('msgpack: what JSON cannot say comes back as what it was', () => {
  const session = {
    date: new Date(1_234_567_890_123),
    before: new Date(-1),
    invalid: new Date(Number.NaN),
    map: new Map<unknown, unknown>([
      ['a', 1],
      [{ b: 2 }, new Set([3])],
    ]),
    set: new Set([1, 'a', { b: 2 }]),
    bigs: [0n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, -(2n ** 200n), 2n ** 4_000n],
    buffer: Buffer.from([0, 255, 7]),
    bytes: new Uint8Array([1, 2, 3]),
    words: new Uint16Array([1, 65_535]),
    doubles: new Float64Array([1.5, Number.NaN]),
    longs: new BigInt64Array([-1n]),
    pattern: /a\/b/giu,
    absent: undefined,
    specials: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    nested: { map: new Map([['inner', new Map([['date', new Date(5)]])]]) },
  }
  const back = roundTrip(msgpack(), session)
  const { invalid, ...rest } = session
  const { invalid: backInvalid, ...backRest } = back
  assert.ok(backInvalid instanceof Date && Number.isNaN(backInvalid.getTime()), String(invalid))
  // uvu compares neither NaN in typed arrays nor keys of Maps.
  deepStrictEqual(backRest, rest)
  // The Map makes the codec choose another form; without one, the same has to hold.
  const { map, nested: nestedMaps, ...plain } = rest
  deepStrictEqual(roundTrip(msgpack(), plain), plain, `${map.size} ${nestedMaps.map.size}`)
})

test('msgpack: with a Map or without, in an Array or not, objects are objects and Maps are Maps', () => {
  const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`name-${index}`, { index }]))
  const map = new Map<unknown, unknown>([['a', { b: new Map() }]])
  const sessions: object[] = [
    {},
    wide,
    [],
    [{}],
    [wide, [{ a: 1 }]],
    { list: [{ a: 1 }] },
    new Set([{ a: 1 }]),
  ]
  for (const session of sessions) {
    for (const whole of [
      session,
      [session],
      { session, map },
      { map, session },
      [session, map],
      { ...session, map },
    ]) {
      deepStrictEqual(roundTrip(msgpack(), whole), whole)
    }
  }
})

test('msgpack: bytes in a session are its own', () => {
  const codec = msgpack()
  for (const value of [Buffer.from('hello'), new Uint8Array([1, 2]), new Float64Array([1, 2])]) {
    for (const session of [{ value }, { value, map: new Map([[1, 2]]) }]) {
      const bytes = Buffer.from(codec.encode(session))
      const back = codec.decode(bytes) as typeof session
      bytes.fill(0)
      deepStrictEqual(back, session)
      back.value.fill(0)
      deepStrictEqual(codec.decode(Buffer.from(codec.encode(session))), session)
    }
  }
})

test('msgpack: every message carries its own structures, so that any process reads it', () => {
  const writer = msgpack()
  for (let index = 0; index < 100; index++) writer.encode({ [`name-${index % 40}`]: 1, same: index })
  const bytes = Uint8Array.from(
    writer.encode({
      same: 1,
      list: [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
    }),
  )
  assert.equal(msgpack().decode(bytes), {
    same: 1,
    list: [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
  })
})

const REFUSED: readonly (readonly [session: object, path: string, reason: RegExp])[] = [
  [{ cart: { total: () => 5 } }, 'cart.total', /is a function/],
  [{ items: [1, { price: Symbol('price') }] }, 'items[1].price', /is a symbol/],
  [{ seen: new Map([['a', () => 1]]) }, 'seen.values()[0]', /is a function/],
  [{ seen: new Map([[Symbol('a'), 1]]) }, 'seen.keys()[0]', /is a symbol/],
  [{ seen: new Set([1, () => 2]) }, 'seen.values()[1]', /is a function/],
]

for (const [session, path, reason] of REFUSED) {
  test(`msgpack: refuses ${path}, which ${reason.source}`, () => {
    const error = refusal(msgpack(), session)
    assert.is(error.path, path)
    assert.match(error.message, reason)
    assert.ok(error.message.includes(path))
  })
}

test('msgpack: refuses what is nested without end', () => {
  const error = refusal(msgpack(), nested(200_000))
  assert.match(error.message, /nested more than 256 levels|cannot be encoded/)
})

test('json: a BigInt is refused by its path', () => {
  const error = refusal(json(), { cart: [{ price: 5n }] })
  assert.is(error.path, 'cart[0].price')
  assert.match(error.message, /BigInt/)
})

test('json: a toJSON that throws is a refusal, with its error as the cause', () => {
  const reason = new Error('no')
  const toJSON = () => {
    throw reason
  }
  assert.is(refusal(json(), { user: { toJSON } }).cause, reason)
  assert.match(refusal(json(), { toJSON: () => undefined }).message, /was refused by the codec/)
})

test('json: a shared object is no cycle', () => {
  const shared = { a: 1 }
  assert.equal(roundTrip(json(), { x: shared, y: shared }), { x: { a: 1 }, y: { a: 1 } })
})

test('json: any reader of UTF-8 can read it', () => {
  assert.is(Buffer.from(json().encode({ a: 'é👜' })).toString('utf8'), '{"a":"é👜"}')
})

test('msgpack: a session that encodes another one while it is read is whole, and so is the other', () => {
  const codec = msgpack()
  const copies: Uint8Array[] = []
  const inner = { text: 'inner'.repeat(40), plain: true }
  const outer = {
    before: new Map([['a', 1]]),
    get during(): string {
      copies.push(Uint8Array.from(codec.encode(inner)))
      return 'seen'
    },
    after: 'outer'.repeat(40),
  }
  const expected = { before: outer.before, during: 'seen', after: outer.after }
  assert.equal(roundTrip(codec, outer), expected)
  assert.ok(copies.length > 0)
  for (const copy of copies) assert.equal(codec.decode(copy), inner)
})

test('msgpack: sessions of many lengths, one after the other, do not mix', () => {
  const codec = msgpack()
  for (const length of [1, 500, 2, 3_000, 1, 2_000, 500, 100_000, 3_000, 1]) {
    const session = { text: String.fromCharCode(97 + (length % 26)).repeat(length) }
    assert.equal(roundTrip(codec, session), session)
  }
})

test('msgpack: what the application itself encodes by msgpackr stays as it is, and so do sessions', () => {
  const codec = msgpack()
  const application = new Packr({ useRecords: false })
  const kept: { readonly bytes: Buffer; readonly value: object }[] = []
  for (let round = 0; round < 300; round++) {
    const value = { round, text: 'a'.repeat(round) }
    kept.push({ value, bytes: application.pack(value) })
    for (const session of [{ round }, { text: 's'.repeat(round % 7) }]) {
      assert.equal(roundTrip(codec, session), session)
    }
  }
  for (const { bytes, value } of kept) assert.equal(application.unpack(bytes), value)
})

test('msgpack: a huge session that is encoded in the midst of others leaves them whole', () => {
  const codec = msgpack()
  const other = msgpack()
  const huge = { text: 'x'.repeat(400_000) }
  for (const map of [undefined, new Map([[1, 2]])]) {
    const outer = {
      before: 'B',
      map,
      get during(): string {
        other.encode(huge)
        codec.encode(huge)
        return 'G'
      },
      after: 'A',
    }
    assert.equal(roundTrip(codec, outer), { before: 'B', map, during: 'G', after: 'A' })
    const application = new Packr()
    assert.equal(application.unpack(application.pack(outer)), { before: 'B', map, during: 'G', after: 'A' })
  }
})

test('msgpack: the memory that a huge session has taken is not kept', async () => {
  const codec = msgpack()
  codec.encode({ text: 'x'.repeat(5_000_000) })
  await Promise.resolve()
  assert.ok(codec.encode({ a: 1 }).buffer.byteLength <= 256 * 1024)
})

test.run()
