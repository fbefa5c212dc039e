import type { SealBinding } from '../seal/index.js'
import { OWN_FORMAT } from './own-format.js'
import type { RecordFormat } from './record-format.js'
import { SealedFormat } from './sealed-format.js'

/** The format of Coatcheck's own records, sealed or not. */
export function nativeFormat({ seal }: { readonly seal?: SealBinding | undefined }): RecordFormat {
  return seal === undefined ? OWN_FORMAT : new SealedFormat(seal)
}
