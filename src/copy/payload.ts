import type { Codec } from '../codecs/codec.js'

/** The bytes of a session as its codec has made them: handed on, never looked into. */
export class Payload {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/**
 * A codec in the place of the one with this id, whose sessions are {@link Payload}s. What an engine with it loads that is
 * none is of another codec.
 */
export function untouched(id: number): Codec {
  return {
    name: 'untouched',
    id,
    encode(session) {
      if (session instanceof Payload) return session.bytes
      throw new TypeError('no payload')
    },
    // A copy: the engine's memory is used again.
    decode: (bytes) => new Payload(Uint8Array.from(bytes)),
  }
}
