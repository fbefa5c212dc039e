import { hash, timingSafeEqual } from 'node:crypto'
import type { DecodedName } from './names.js'
import type { RecordOwner, RecordTraits } from './record-format.js'

const DIGEST_DIGITS = 64

/** Who the record in a file has to be of, by the file's name and what that has been decoded to. */
export function ownerOf(fileName: string, name: DecodedName): RecordOwner {
  return 'key' in name ? name.key : { digest: Buffer.from(fileName.slice(-DIGEST_DIGITS), 'hex') }
}

/** Whether a record can be this session's. Only a key tells; a digest is the whole name of a file. */
export function isRecordOf(
  owner: RecordOwner,
  record: Pick<RecordTraits, 'keyLength'> & { readonly key: string | undefined },
): boolean {
  if (typeof owner !== 'string') return true
  const { keyLength = owner.length, key = owner } = record
  return keyLength === owner.length && key === owner
}

/** Whether the key that stands in a record is that of its owner. */
export function isKeyOf(owner: RecordOwner, key: string): boolean {
  return typeof owner === 'string' ? key === owner : timingSafeEqual(ownerDigest(key), owner.digest)
}

/** What a seal binds a record to, the digest in a hashed name: known where keys are, and where only names are. */
export function ownerDigest(owner: RecordOwner): Uint8Array {
  return typeof owner === 'string' ? hash('sha256', Buffer.from(owner, 'utf16le'), 'buffer') : owner.digest
}
