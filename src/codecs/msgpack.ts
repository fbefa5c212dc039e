import { Packr } from 'msgpackr'
import type { Codec } from './codec.js'
import { explainRefusal } from './unencodable.js'

/**
 * MessagePack by `msgpackr`: compact, fast, and Dates, Maps, Sets, BigInts, Buffers, typed arrays, Errors and
 * RegExps come back as what they were. The default codec.
 *
 * Functions and symbols are refused, wherever they stand; so are objects that contain themselves.
 */
export function msgpack(): Codec {
  // Records, which tell objects from Maps; each message carries its own, so any process can read it.
  const packr = new Packr({ useRecords: true, moreTypes: true, useBigIntExtension: true })
  return {
    name: 'msgpack',
    id: 1,
    encode(session) {
      try {
        return packr.pack(session)
      } catch (error) {
        throw explainRefusal(session, objection, error)
      }
    },
    decode: (bytes) => packr.unpack(bytes),
  }
}

function objection(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
      return 'is a function'
    case 'symbol':
      return 'is a symbol'
    default:
      if (value instanceof Promise) return 'is a promise'
      if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
        return 'holds its content weakly'
      }
      return undefined
  }
}
