import type { RecordOwner } from '../record/owner.js'
import type { DecodedName } from './names.js'

const DIGEST_DIGITS = 64

/** Who the record in a file has to be of, by the file's name and what that has been decoded to. */
export function ownerOf(fileName: string, name: DecodedName): RecordOwner {
  return 'key' in name ? name.key : { digest: Buffer.from(fileName.slice(-DIGEST_DIGITS), 'hex') }
}
