import { keyDigest } from './names.js'
import type { RecordOwner, RecordTraits } from './record-format.js'

/** Whether a record can be this session's. Only a key tells; a digest is the whole name of a file. */
export function isRecordOf(
  owner: RecordOwner,
  record: Pick<RecordTraits, 'keyLength'> & { readonly key: string | undefined },
): boolean {
  if (typeof owner !== 'string') return true
  const { keyLength = owner.length, key = owner } = record
  return keyLength === owner.length && key === owner
}

/** What a seal binds a record to: known where keys are, and where only names are. */
export function ownerDigest(owner: RecordOwner): Uint8Array {
  return typeof owner === 'string' ? keyDigest(owner) : owner
}
