import type { Codec } from '../codecs/codec.js'
import { json } from '../codecs/json.js'
import { msgpack } from '../codecs/msgpack.js'

/** A payload by the codec that its record names. */
export type Decoded =
  | { readonly kind: 'session'; readonly codec: string; readonly session: object }
  | { readonly kind: 'refused'; readonly codec: string }
  /** An application's own codec. */
  | { readonly kind: 'unknown'; readonly codec: string }

/** Decodes what any engine wrote, as far as its codec comes with the package. */
export class Decoder {
  readonly #codecs = new Map<number, Codec>()

  /** @param codecs Those that need more than their id to be made, a secret key for one. */
  constructor(codecs: readonly Codec[] = []) {
    for (const codec of [msgpack(), json(), ...codecs]) this.#codecs.set(codec.id, codec)
  }

  /** The name of a codec; its number where it is an application's own. */
  nameOf(id: number): string {
    return this.#codecs.get(id)?.name ?? String(id)
  }

  /** Never throws: damage is a result. */
  decode(payload: Uint8Array, id: number): Decoded {
    const codec = this.#codecs.get(id)
    if (codec === undefined) return { kind: 'unknown', codec: String(id) }
    try {
      const session = codec.decode(payload)
      if (typeof session === 'object' && session !== null)
        return { kind: 'session', codec: codec.name, session }
    } catch {
      // What a codec says of bytes that it refuses may hold some of them.
    }
    return { kind: 'refused', codec: codec.name }
  }
}
