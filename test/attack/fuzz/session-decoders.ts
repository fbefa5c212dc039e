import { isDeepStrictEqual } from 'node:util'
import { json } from '#dist/src/codecs/json.js'
import { msgpack } from '#dist/src/codecs/msgpack.js'
import { Payloads } from '#dist/src/engine/payloads.js'
import type { PayloadPlace } from '#dist/workers/protocol/index.js'
import { type Decoder, expect } from './decoder.js'

const BENIGN = { visits: 64, list: [65, 127, -1], cart: { items: [{ id: 100 }] }, at: new Date(0) }
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, Map.prototype, Error.prototype]

function ownNames(): number {
  return PROTOTYPES.map((prototype: object) => Reflect.ownKeys(prototype).length).reduce(
    (sum, names) => sum + names,
  )
}

const NAMES = ownNames()

/** What an engine decodes with, and that nothing of it outlives the input: neither on a prototype nor in the codec. */
function payloadDecoder(
  codec: ReturnType<typeof msgpack>,
  seeds: readonly Buffer[],
  whole: readonly Buffer[],
): Decoder {
  const payloads = new Payloads(codec, 2 ** 20)
  const benign = Buffer.from(codec.encode(BENIGN))
  const meant = codec.decode(benign)
  const mapped = Buffer.from(msgpack().encode({ map: new Map([['a', 64]]) }))
  let fed = 0
  return {
    seeds,
    whole,
    repair: (bytes) => bytes,
    feed(bytes) {
      let outcome = 'session'
      try {
        const session = payloads.decode(amongOthers(bytes), codec.id)
        expect(typeof session === 'object' && session !== null, 'what was read is no session')
      } catch (error) {
        expect(error instanceof Error, 'no error was thrown')
        outcome = 'refused'
      }
      expect(ownNames() === NAMES, 'a prototype has a new property')
      expect(!('polluted' in {}), 'the prototype of all objects is polluted')
      if (fed++ % 16 === 0) {
        expect(
          isDeepStrictEqual(payloads.decode(amongOthers(benign), codec.id), meant),
          'a later session reads otherwise',
        )
        expect(
          isDeepStrictEqual(payloads.decode(amongOthers(mapped), 1), { map: new Map([['a', 64]]) }),
          'a later session with a Map reads otherwise',
        )
      }
      return outcome
    },
  }
}

/** As sessions lie in replies. */
function amongOthers(bytes: Uint8Array): PayloadPlace {
  const memory = Buffer.alloc(bytes.length + 64, 0x61)
  memory.set(bytes, 24)
  return { memory, start: 24, end: 24 + bytes.length }
}

const VALUES: readonly object[] = [
  BENIGN,
  { map: new Map<unknown, unknown>([['a', { b: new Set([1, 2]) }]]), error: new RangeError('e'), re: /x+/g },
  { big: 2n ** 200n, small: -5n, bytes: Buffer.from('bytes'), floats: new Float64Array([1, 2]) },
  { text: 'ä'.repeat(300), deep: [[[[[[[[1]]]]]]]], date: new Date(1e12), none: undefined },
  JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}') as object,
]

/** Bytes that no encoder makes. */
const HOSTILE: readonly Buffer[] = [
  // As long as a length can say: arrays, maps, strings, bytes, extensions.
  ...[0xdd, 0xdf, 0xdb, 0xc6, 0xc9].map((token) =>
    Buffer.from([0x81, 0xa1, 0x61, token, 0xff, 0xff, 0xff, 0xff, 0x01]),
  ),
  // A record whose fields are `__proto__`, then one that is read by its number.
  Buffer.from([
    0x81,
    0xa1,
    0x78,
    0xd4,
    0x72,
    0x40,
    0x91,
    0xa9,
    ...Buffer.from('__proto__'),
    0x80,
    0x40,
    0x80,
  ]),
  Buffer.from([0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa8, ...Buffer.from('polluted'), 0xc3]),
  // References: to nothing, to itself, and an error of the class `__proto__`.
  Buffer.from([0x81, 0xa1, 0x78, 0xd6, 0x70, 0, 0, 0, 9]),
  Buffer.from([0x81, 0xa1, 0x78, 0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]),
  Buffer.from([0x81, 0xa1, 0x78, 0xd4, 0x65, 0, 0x92, 0xa9, ...Buffer.from('__proto__'), 0xa1, 0x6d]),
]

/** As deep as there are bytes; and arrays within arrays, each as long as all the rest: 72 KB that want gigabytes. */
const LARGE: readonly Buffer[] = [
  Buffer.alloc(2 ** 20, 0x91),
  Buffer.alloc(2 ** 20, 0x81),
  Buffer.concat([Buffer.from([0xde, 0, 1, 0xa1, 0x61]), Buffer.alloc(72_000, 0x91)]),
  Buffer.concat([
    Buffer.from([0x81, 0xa1, 0x61]),
    ...Array.from({ length: 14_400 }, (_, index) => Buffer.from([0xdd, 0, 0, (72_000 - 5 * index) >> 8, 0])),
  ]),
  // Errors of a few bytes, which have a stack trace each.
  Buffer.concat([
    Buffer.from([0x81, 0xa1, 0x61, 0xdd, 0, 1, 0, 0]),
    ...Array.from({ length: 65_536 }, () => Buffer.from([0xd4, 0x65, 0, 0x92, 0xa0, 0xa0])),
  ]),
  // A number of eight million bits, and something behind it.
  Buffer.concat([Buffer.from([0xc9, 0, 0x0f, 0, 0, 0x42]), Buffer.alloc(0x0f0000, 0x7f), Buffer.from([1])]),
]

/** The default codec. */
export function msgpackDecoder(): Decoder {
  const codec = msgpack()
  const seeds = VALUES.map((value) => Buffer.from(codec.encode(value)))
  return payloadDecoder(codec, [...seeds, ...HOSTILE], LARGE)
}

/** JSON. */
export function jsonDecoder(): Decoder {
  const texts = [
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    '{"deep":[[[[{"a":{"b":{}}}]]]]}',
    '{"text":"\\ud800\\u0000","number":1e999,"list":[1,2,3,null,true]}',
  ]
  const deep = [
    `{"deep":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`,
    '['.repeat(2 ** 20),
  ].map((text) => Buffer.from(text))
  const seeds = [...texts.map((text) => Buffer.from(text)), Buffer.from(json().encode(BENIGN))]
  return payloadDecoder(json(), seeds, deep)
}
