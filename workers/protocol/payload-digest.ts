import { createHash } from 'node:crypto'
import { DIGEST_BYTES } from './request.js'

/**
 * What tells one version of a session from another: the first 16 bytes of the SHA-256 of its payload, as the codec made
 * it. It needs nothing of the record's format or the storage; and where the bytes are the same, nothing was overwritten.
 */
export function payloadDigest(payload: Uint8Array): Buffer {
  return createHash('sha256').update(payload).digest().subarray(0, DIGEST_BYTES)
}
