import { BATCH_HEADER, RequestReader } from '../../protocol/index.js'
import type { KeyDigester } from './key-digester.js'

/**
 * A batch whose slots, as they lie in memory, have digests for keys. The keys themselves are told from the batch that it was
 * made of, for those checks that look into files.
 */
export class DigestedRequest extends RequestReader {
  readonly #plain: RequestReader

  /** @param digester Whose next call ends this one's life. */
  constructor(wire: ArrayBuffer, digester: KeyDigester) {
    const plain = new RequestReader(wire)
    super(withHeaderOf(plain, digester.digest(plain, BATCH_HEADER, plain.slots)))
    plain.start(BATCH_HEADER, plain.slots)
    this.#plain = plain
  }

  override next(): boolean {
    this.#plain.next()
    return super.next()
  }

  override key(): string {
    return this.#plain.key()
  }
}

function withHeaderOf(plain: RequestReader, digested: ArrayBuffer): ArrayBuffer {
  new Uint8Array(digested).set(plain.bytes.subarray(0, BATCH_HEADER))
  return digested
}
