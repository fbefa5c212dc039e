import { hash, timingSafeEqual } from 'node:crypto'

/** Whose session a record has to be: its key or, where only a digest of it is known, that. */
export type RecordOwner = string | { readonly digest: Uint8Array }

/** Whether a record can be this session's. Only a key tells; a digest is the whole name of a file. */
export function isRecordOf(
  owner: RecordOwner,
  record: { readonly keyLength: number | undefined; readonly key: string | undefined },
): boolean {
  if (typeof owner !== 'string') return true
  const { keyLength = owner.length, key = owner } = record
  return keyLength === owner.length && key === owner
}

/** Whether the key that stands in a record is that of its owner. */
export function isKeyOf(owner: RecordOwner, key: string): boolean {
  return typeof owner === 'string' ? key === owner : timingSafeEqual(ownerDigest(key), owner.digest)
}

/** What a seal binds a record to: known where keys are, and where only hashed names are. */
export function ownerDigest(owner: RecordOwner): Uint8Array {
  return typeof owner === 'string' ? hash('sha256', Buffer.from(owner, 'utf16le'), 'buffer') : owner.digest
}
