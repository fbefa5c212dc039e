import { EncodeError } from '../errors.js'
import type { Codec } from './codec.js'
import { decodeAlso } from './decode-within.js'
import { explainRefusal } from './unencodable.js'

/**
 * JSON as `JSON.stringify` has it, in UTF-8: readable with any tool, and any language. Dates become strings,
 * Maps and Sets `{}`, functions and `undefined` vanish; BigInts and objects that contain themselves are refused.
 */
export function json(): Codec {
  return {
    name: 'json',
    id: 2,
    encode(session) {
      let text: string | undefined
      try {
        text = JSON.stringify(session)
      } catch (error) {
        throw explainRefusal(session, objection, error)
      }
      if (text === undefined) throw explainRefusal(session, objection, undefined)
      // A `toJSON` may make anything of it, and whatever else would be no session when it is loaded.
      if (!/^[[{]/.test(text)) throw new EncodeError('', 'becomes no object in JSON')
      return Buffer.from(text)
    },
    decode: decodeAlso((bytes) => decodeWithin(bytes, 0, bytes.length), decodeWithin),
  }
}

function decodeWithin(memory: Uint8Array, start: number, end: number): unknown {
  const bytes =
    memory instanceof Buffer ? memory : Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength)
  return JSON.parse(bytes.toString('utf8', start, end))
}

function objection(value: unknown): string | undefined {
  return typeof value === 'bigint' ? 'is a BigInt, which JSON has no word for' : undefined
}
