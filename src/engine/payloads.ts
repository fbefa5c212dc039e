import type { PayloadPlace } from '../../workers/protocol/index.js'
import type { Codec } from '../codecs/codec.js'
import { type DecodeWithin, decodeWithinOf } from '../codecs/decode-within.js'
import { json } from '../codecs/json.js'
import { msgpack } from '../codecs/msgpack.js'
import { EncodeError } from '../errors.js'

/** Sessions to payloads and back, by the engine's codec and, for reading, by those that come with the package. */
export class Payloads {
  readonly #codec: Codec
  readonly #maxBytes: number
  readonly #readers = new Map<number, DecodeWithin>()

  constructor(codec: Codec, maxBytes: number) {
    this.#codec = codec
    this.#maxBytes = maxBytes
    // A store whose codec was changed still reads what the one before it wrote.
    for (const reader of [msgpack(), json(), codec]) this.#readers.set(reader.id, decodeWithinOf(reader))
  }

  /** The id of the codec that writes. */
  get codec(): number {
    return this.#codec.id
  }

  /**
   * The snapshot of a session, in a buffer that the next call may overwrite.
   * @throws {EncodeError}
   */
  encode(session: unknown): Uint8Array {
    if (typeof session !== 'object' || session === null) {
      throw new EncodeError('', `has to be an object, not ${session === null ? 'null' : typeof session}`)
    }
    const bytes = this.#encode(session)
    if (bytes.length > this.#maxBytes) {
      throw new EncodeError('', `takes ${bytes.length} bytes; maxRecordBytes allows ${this.#maxBytes}`)
    }
    return bytes
  }

  /** Whether there is a codec of this id to read with. */
  knows(codec: number): boolean {
    return this.#readers.has(codec)
  }

  /** The session at this place, which is the caller's alone; throws when its codec is unknown, or refuses it. */
  decode(payload: PayloadPlace, codec: number): unknown {
    const decode = this.#readers.get(codec)
    if (decode === undefined) throw new TypeError(`codec ${codec} is not known`)
    const session = decode(payload.memory, payload.start, payload.end)
    if (typeof session !== 'object' || session === null) throw new TypeError('no session object')
    return session
  }

  #encode(session: object): Uint8Array {
    let bytes: unknown
    try {
      bytes = this.#codec.encode(session)
    } catch (error) {
      if (error instanceof EncodeError) throw error
      throw new EncodeError('', `was refused by the codec ${this.#codec.name}`, { cause: error })
    }
    // Codecs may come from users, who may forget to turn text into bytes, or return a promise.
    if (bytes instanceof Uint8Array) return bytes
    throw new EncodeError('', `was made no Uint8Array by the codec ${this.#codec.name}`)
  }
}
