import type { FilesWorkerOptions } from '../options.js'
import type { RecordFormat } from '../record-format.js'
import { DjangoFormat } from './format.js'
import type { DjangoFormatOptions } from './options.js'

/** Opens the record format of Django's file backend. */
export function openRecordFormat(
  options: DjangoFormatOptions,
  { maxRecordBytes, orphanGrace }: FilesWorkerOptions,
): RecordFormat {
  return new DjangoFormat(options, { maxRecordBytes, placeholderLife: orphanGrace })
}
