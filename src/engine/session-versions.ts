import { DIGEST_BYTES, payloadDigest } from '../../workers/protocol/index.js'

/**
 * Names one version of a session: two are the same when the stored bytes are. Opaque; may be kept, and
 * compared with another by `===`. A touch does not change it. A digest: whoever sees it can test a guess of the session.
 */
export type SessionVersion = string

/** The version that a payload is. */
export function versionOf(payload: Uint8Array): SessionVersion {
  return payloadDigest(payload).toString('base64url')
}

const FORM = /^[A-Za-z0-9_-]{22}$/

/**
 * The digest that a version stands for.
 * @throws {TypeError} for what was never one
 */
export function digestOfVersion(version: unknown): Uint8Array {
  const digest =
    typeof version === 'string' && FORM.test(version) ? Buffer.from(version, 'base64url') : undefined
  if (digest?.length === DIGEST_BYTES) return digest
  throw new TypeError('a session version is what loadVersion() or replace() gave; this is something else')
}
