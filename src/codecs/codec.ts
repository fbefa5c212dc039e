/** Turns a session into bytes and back. Runs on the main thread; `encode` is the snapshot of the session. */
export interface Codec {
  /** For messages and statistics. */
  readonly name: string
  /** Stored with every record. 1 to 999 are Coatcheck's own; choose yours from 1 000 to 2^32 - 1. */
  readonly id: number
  /**
   * The bytes of a session. They may lie in a buffer that the next call overwrites.
   * @throws {EncodeError} naming the path of the offending value
   */
  encode(session: object): Uint8Array
  /** The session of these bytes; throws when they are none of this codec's. */
  decode(bytes: Uint8Array): unknown
}
