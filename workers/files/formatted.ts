import type { WorkerStorage } from '../protocol/index.js'
import { openStorage as openFiles } from './index.js'
import type { FormattedWorkerOptions } from './options.js'
import type { OpenRecordFormat } from './record-format.js'

/** Opens the directory with records of another format than our own, or says what is wrong with it. */
export async function openStorage(options: FormattedWorkerOptions): Promise<WorkerStorage> {
  const { module, options: formatOptions } = options.recordFormat
  const { openRecordFormat } = (await import(module)) as { openRecordFormat: OpenRecordFormat }
  // The options and the module are made for each other; the seam between them is untyped by necessity.
  return openFiles(options, openRecordFormat(formatOptions as never, options))
}
