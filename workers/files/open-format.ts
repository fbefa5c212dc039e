import type { RecordFormatBinding } from '../protocol/index.js'
import type { FilesWorkerOptions } from './options.js'
import type { OpenRecordFormat, RecordFormat } from './record-format.js'

/** Opens the record format that a codec has brought along. */
export async function openFormat(
  { module, options }: RecordFormatBinding,
  files: FilesWorkerOptions,
): Promise<RecordFormat> {
  const { openRecordFormat } = (await import(module)) as { openRecordFormat: OpenRecordFormat }
  // The options and the module are made for each other; the seam between them is untyped by necessity.
  return openRecordFormat(options as never, files)
}
