import type { RecordFormatBinding } from '../../workers/protocol/index.js'

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
  /** The session of these bytes; throws when they are none of this codec's. What it returns may point into them. */
  decode(bytes: Uint8Array): unknown
  /** Where its sessions are not kept in records of Coatcheck's own, but as another program has them. */
  readonly recordFormat?: CodecRecordFormat
}

/** A record format that a codec brings along. The storage's workers apply it; it may limit keys, and set expiries. */
export interface CodecRecordFormat extends RecordFormatBinding {
  /** @throws {InvalidSessionKeyError} for a key that the format has no place for */
  checkKey(key: string): void
  /**
   * When a session expires that says so itself, in milliseconds since the epoch; `undefined` for one that does not.
   * @param payload What `encode` has made of it.
   */
  expiryOf(payload: Uint8Array, now: number): number | undefined
}
